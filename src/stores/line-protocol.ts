/** Line protocol: the text in which InfluxDB takes points. */
import { StoreRefusedError } from "./errors.ts";

/** A value of a field. A bigint is written as an integer, a number as a float. */
export type InfluxValue = number | bigint | boolean | string;

/** A point of a series. */
export interface InfluxPoint {
  readonly tags?: Readonly<Record<string, string | number | boolean>>;
  readonly fields: Readonly<Record<string, InfluxValue>>;
  /** Default: the time at the server when it is written. */
  readonly time?: Date;
}

/**
 * Writes a point in line protocol, with a timestamp in nanoseconds. Tags with empty values are left
 * out. Throws a `NonRetryableError` for a name or value that line protocol cannot hold.
 *
 * @example line("plays", { tags: { channel: "one" }, fields: { count: 12n }, time: new Date() })
 */
export function line(measurement: string, { tags = {}, fields, time }: InfluxPoint): string {
  const labels = Object.entries(tags)
    .map(([name, value]) => [name, tagText(name, value)] as const)
    .filter(([, value]) => value !== "")
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `,${escaped(name, ", =")}=${escaped(value, ", =")}`);
  const values = Object.entries(fields).map(
    ([name, value]) => `${escaped(name, ", =")}=${fieldText(name, value)}`,
  );
  if (values.length === 0) throw invalid(`the point of ${measurement} has no fields`);
  if (measurement.startsWith("#"))
    throw invalid(`the measurement ${measurement} begins with #, as a comment does`);
  const at = time === undefined ? "" : ` ${timeText(measurement, time)}`;
  return `${escaped(measurement, ", ")}${labels.join("")} ${values.join(",")}${at}`;
}

/** Writes a time in nanoseconds. */
function timeText(measurement: string, time: unknown): string {
  const ms = time instanceof Date ? time.getTime() : Number.NaN;
  if (Number.isNaN(ms)) throw invalid(`the time of the point of ${measurement} is none`);
  const ns = BigInt(ms) * 1_000_000n;
  if (isLong(ns)) return String(ns);
  throw invalid(
    `the time of the point of ${measurement} is ${new Date(ms).toISOString()}, and times from 1677 to 2262 are possible`,
  );
}

/** Tests for an integer of 64 bits. */
function isLong(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

/** Writes the value of a tag. Throws for a value without a plain text, such as null or a list. */
function tagText(name: string, value: unknown): string {
  if (["string", "number", "bigint", "boolean"].includes(typeof value)) return String(value);
  throw invalid(`the tag ${name} is ${String(value)}, and no text, number or boolean`);
}

function fieldText(name: string, value: InfluxValue): string {
  if (typeof value === "bigint") {
    if (isLong(value)) return `${value}i`;
    throw invalid(`the field ${name} is ${value}, and an integer has 64 bits`);
  }
  if (typeof value === "number") {
    if (Number.isFinite(value)) return String(value);
    throw invalid(`the field ${name} is ${value}, which InfluxDB cannot store`);
  }
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "string")
    throw invalid(`the field ${name} is ${String(value)}, and no number, boolean or text`);
  return `"${value.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
}

/** Escapes a name or a tag. A line break ends a point, and a backslash at the end would escape. */
function escaped(text: string, characters: string): string {
  if (text === "" || /[\n\r]|\\$/.test(text))
    throw invalid(
      `${JSON.stringify(text)} is empty, holds a line break or ends with a backslash, and cannot be a name or a tag`,
    );
  return text.replaceAll(/[, =]/g, (one) => (characters.includes(one) ? `\\${one}` : one));
}

function invalid(message: string): StoreRefusedError {
  return new StoreRefusedError("influx", "invalid", message);
}

/**
 * Splits a text into the lines of its points, without empty lines. A line break within a quoted
 * text belongs to the text. As for the server, a quote begins a text only as the value of a field.
 */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  let [start, isInFields, isQuoted, before] = [0, false, false, ""];
  for (let at = 0; at < text.length; at += 1) {
    const one = text.charAt(at);
    const isEscape = one === "\\" && (isQuoted || text[at + 1] !== "\n");
    if (isEscape) at += 1;
    else if (one === '"' && (isQuoted || (isInFields && before === "="))) isQuoted = !isQuoted;
    else if (one === " ") isInFields = true;
    else if (one === "\n" && !isQuoted) {
      lines.push(text.slice(start, at));
      [start, isInFields] = [at + 1, false];
    }
    before = isEscape ? "" : one;
  }
  lines.push(text.slice(start));
  return lines.filter((line) => line.trim() !== "");
}

/**
 * Renders the output of the local runtime for the author of a pipeline: log lines of tasks and
 * failed attempts as text, each with what leads further. Requests and audit entries are left out.
 */
import { stripVTControlCharacters, styleText } from "node:util";
import { printable } from "../compiler/printable.ts";
import { PEACH } from "../compiler/peach-command.ts";

/** The colours of the log. */
type Colour = "red" | "yellow" | "gray" | "cyan";

/** The fields of a log line of the worker (src/platform/log.ts) that are rendered by name. */
interface LogLine {
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A request in wrangler's log. */
const REQUEST = /^\[wrangler:info\] (?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /;
/** Wrangler's prefix of a warning or an error of the worker. */
const LEVEL = /^(?:✘|▲) \[(?:ERROR|WARNING)\] /;
/** The fields that are rendered by name, and left out of the rest. */
const NAMED = new Set([
  "message",
  "run_id",
  "task",
  "endpoint",
  "attempt",
  "at",
  "level",
  "fields",
  "error",
  "stack",
  "duration_ms",
  "request_id",
  "client_request_id",
]);

/** The longest error that a failed attempt shows; the command below its line shows all of it. */
const MAX_ERROR = 300;

/** Renders a line of output, with colours if asked. Null for a line that is left out. */
export function renderLog(line: string, hasColours: boolean): string | null {
  const plain = stripVTControlCharacters(line).trim();
  if (plain === "" || REQUEST.test(plain)) return null;
  const json = plain.replace(LEVEL, "");
  const entry = json.startsWith("{") ? parse(json) : null;
  if (entry === null) return line;
  if (entry.message === "audit") return null;
  const paint = (text: string, colour: Colour): string =>
    hasColours ? styleText(colour, text, { validateStream: false }) : text;
  return entry.message === "attempt failed" && typeof entry["stack"] !== "undefined"
    ? renderFailure(entry, paint)
    : renderEntry(entry, plain, paint);
}

/** Colours a text, or returns the text as it is. */
type Paint = (text: string, colour: Colour) => string;

/** Renders a failed attempt: the task, the error, the place, and the next command. */
function renderFailure(entry: LogLine, paint: Paint): string {
  const { task, attempt, error, stack, duration_ms: ms, run_id: runId } = entry;
  const [, place] = /(?:\(|at )([^()\s]+:\d+:\d+)\)?$/m.exec(textOf(stack)) ?? [];
  const at =
    place === undefined || place.startsWith("worker.js:")
      ? ""
      : `  ${paint(printable(place), "cyan")}`;
  const what = `✗ ${String(task)} failed after ${String(ms)} ms (attempt ${String(attempt)}): ${firstLine(error)}`;
  return `${timeOf(entry)} ${paint(printable(what), "red")}${at}\n         ${PEACH} show ${printable(String(runId))}`;
}

/** Renders a log line of a task, an endpoint or of Peach. */
function renderEntry(entry: LogLine, plain: string, paint: Paint): string {
  const level = typeof entry["level"] === "string" ? entry["level"] : levelOf(plain);
  const subject = entry["task"] ?? entry["endpoint"];
  const own = entry["fields"] ?? null;
  const others = Object.entries(entry).filter(
    ([name, value]) => !NAMED.has(name) && value !== null && value !== undefined,
  );
  const fields = own ?? (others.length === 0 ? null : Object.fromEntries(others));
  const parts = [
    timeOf(entry),
    ...(subject === undefined ? [] : [printable(textOf(subject))]),
    coloured(printable(level), paint),
    indented(entry.message).trimStart(),
    ...(fields === null ? [] : [paint(printable(JSON.stringify(fields)), "gray")]),
    ...(typeof entry["run_id"] === "string" ? [paint(printable(entry["run_id"]), "gray")] : []),
  ];
  const error = typeof entry["error"] === "string" ? `\n${indented(entry["error"])}` : "";
  return parts.join(" ") + error;
}

/** Pads a level to the width of the longest, and colours warnings and errors. */
function coloured(level: string, paint: Paint): string {
  const text = level.padEnd(5);
  return level === "error" ? paint(text, "red") : level === "warn" ? paint(text, "yellow") : text;
}

/** Returns the level of a line by wrangler's prefix. */
function levelOf(plain: string): string {
  return plain.startsWith("✘") ? "error" : plain.startsWith("▲") ? "warn" : "info";
}

/** Renders the time of a line; without a time of its own, the current time. */
function timeOf({ at }: LogLine): string {
  const date = typeof at === "number" ? new Date(at) : new Date();
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** Returns a text; empty for any other value. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns the first line of a value as text, cut if it is long. */
function firstLine(value: unknown): string {
  const line = String(value).split("\n")[0] ?? "";
  return line.length > MAX_ERROR ? `${line.slice(0, MAX_ERROR)}…` : line;
}

/** Indents a text, so that no line of it passes for an entry of the log. */
function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `         ${printable(line).trimStart()}`)
    .join("\n");
}

/** Parses a line of the worker's log; null for any other line. */
function parse(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" &&
      value !== null &&
      "message" in value &&
      typeof value.message === "string"
      ? { ...value, message: value.message }
      : null;
  } catch {
    return null;
  }
}

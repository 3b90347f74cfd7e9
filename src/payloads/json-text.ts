/**
 * Writes a value as JSON that `JSON.parse` restores, or reports every place that would be lost.
 * Unlike `JSON.stringify`, drops only undefined properties, keeps -0, and keeps its own stack, so
 * that depth does not overflow.
 */
import { type JsonStep, jsonPath } from "./json-path.ts";
import { isLong, LongText } from "./long-text.ts";

export interface JsonError {
  /** JSON path of the value. */
  readonly path: string;
  /** Kind of the value, and advice. */
  readonly message: string;
}

export type JsonText =
  /** Parts of the text, each of whole tokens, to be joined. */
  | { readonly ok: true; readonly pieces: readonly JsonPiece[] }
  | { readonly ok: false; readonly errors: readonly JsonError[] };

export type JsonPiece = string | LongText;

/** Limit of reported places. */
const MAX_ERRORS = 20;

const MAX_WRITTEN_KEYS = 1000;

/**
 * Length at which a rope is set aside: a single rope over a large value would be flattened again
 * and again.
 */
const PIECE_LENGTH = 65_536;

/**
 * Writes a value as JSON text (undefined as null), or returns up to 20 places that JSON cannot
 * hold.
 */
export function writeJson(value: unknown): JsonText {
  return new JsonWriter().write(value);
}

/** Writes a JSON value like `JSON.stringify`, which throws for deep values. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    const json = error instanceof RangeError ? writeJson(value) : null;
    if (json?.ok !== true) throw error;
    return json.pieces.map(String).join("");
  }
}

/** A container being written. Arrays have no keys. */
interface Frame {
  readonly container: object;
  readonly keys: readonly string[] | null;
  readonly length: number;
  next: number;
  isEmpty: boolean;
}

class JsonWriter {
  readonly #frames: Frame[] = [];
  /** Containers of `#frames`: a container inside itself is a cycle. */
  readonly #open = new Set<object>();
  readonly #errors: JsonError[] = [];
  readonly #pieces: JsonPiece[] = [];
  /** Keys in written form, with the colon: items of an array mostly share their keys. */
  readonly #writtenKeys = new Map<string, string>();
  #text = "";

  write(root: unknown): JsonText {
    this.#put(root ?? null, "");
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      if (this.#errors.length >= MAX_ERRORS) break;
      if (frame.next === frame.length) this.#close(frame);
      else this.#putNext(frame);
    }
    if (this.#errors.length > 0) return { ok: false, errors: this.#errors };
    this.#pieces.push(this.#text);
    return { ok: true, pieces: this.#pieces };
  }

  #putNext(frame: Frame): void {
    const index = frame.next;
    frame.next += 1;
    const key = frame.keys?.[index];
    let value: unknown;
    try {
      value = Reflect.get(frame.container, key ?? index);
    } catch (error) {
      this.#refuse(`a getter that threw: ${String(error)}`);
      return;
    }
    // Left out like by JSON.stringify. An array has no such gap.
    if (value === undefined && key !== undefined) return;
    const comma = frame.isEmpty ? "" : ",";
    if (key === undefined) this.#put(value, comma);
    else if (isLong(key)) {
      this.#appendLong(key, comma);
      this.#put(value, ":");
    } else this.#put(value, comma + this.#keyText(key));
    frame.isEmpty = false;
  }

  #keyText(key: string): string {
    const written = this.#writtenKeys.get(key);
    if (written !== undefined) return written;
    const text = `${JSON.stringify(key)}:`;
    if (this.#writtenKeys.size < MAX_WRITTEN_KEYS) this.#writtenKeys.set(key, text);
    return text;
  }

  #put(value: unknown, before: string): void {
    switch (typeof value) {
      case "string":
        if (isLong(value)) return this.#appendLong(value, before);
        this.#append(before);
        this.#append(JSON.stringify(value));
        return;
      case "boolean":
        this.#append(before + (value ? "true" : "false"));
        return;
      case "number":
        if (!Number.isFinite(value))
          this.#refuse(`${value}, which JSON has no number for (use null or a string)`);
        else this.#append(before + numberText(value));
        return;
      case "object":
        if (value === null) this.#append(`${before}null`);
        else this.#putObject(value, before);
        return;
      case "undefined":
        this.#refuse("undefined in an array (use null)");
        return;
      case "function":
        this.#refuse("a function");
        return;
      case "symbol":
        this.#refuse("a symbol");
        return;
      case "bigint":
        this.#refuse("a BigInt (write it as a string)");
        return;
    }
  }

  #putObject(value: object, before: string): void {
    if (this.#open.has(value)) {
      this.#refuse("a circular reference to a value that it is part of");
      return;
    }
    const isArray = Array.isArray(value);
    if (!isArray && !isPlain(value)) {
      this.#refuse(describeInstance(value));
      return;
    }
    const keys = isArray ? null : Object.keys(value);
    this.#frames.push({
      container: value,
      keys,
      length: isArray ? value.length : (keys?.length ?? 0),
      next: 0,
      isEmpty: true,
    });
    this.#open.add(value);
    this.#append(before + (isArray ? "[" : "{"));
  }

  #close(frame: Frame): void {
    this.#frames.pop();
    this.#open.delete(frame.container);
    this.#append(frame.keys === null ? "]" : "}");
  }

  #append(text: string): void {
    if (this.#text.length + text.length < PIECE_LENGTH) {
      this.#text += text;
      return;
    }
    this.#pieces.push(this.#text, text);
    this.#text = "";
  }

  #appendLong(text: string, before: string): void {
    this.#pieces.push(this.#text + before, new LongText(text));
    this.#text = "";
  }

  /** Refuses the value at the place that the open containers point to. */
  #refuse(message: string): void {
    const steps = this.#frames.map(
      (frame): JsonStep => frame.keys?.[frame.next - 1] ?? frame.next - 1,
    );
    this.#errors.push({ path: jsonPath(steps), message });
  }
}

/**
 * Writes a number beyond 2^53 with an exponent: readers with exact integers of any size then know
 * that the number is inexact.
 */
function numberText(value: number): string {
  if (Object.is(value, -0)) return "-0";
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? value.toExponential()
    : String(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describeInstance(value: object): string {
  if (value instanceof Date) return "a Date (use toISOString())";
  if (value instanceof Map) return "a Map (use Object.fromEntries())";
  if (value instanceof Set) return "a Set (use an array)";
  if (value instanceof Promise) return "a Promise (await it first)";
  if (value instanceof Response || value instanceof Request)
    return "a Request or Response (pass its body, or what json() or text() give)";
  if (value instanceof ReadableStream)
    return "a stream inside JSON (pass it alone, as the whole payload)";
  if (value instanceof Blob || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return "bytes inside JSON (pass them alone, as the whole payload, or write them as base64)";
  }
  const name: unknown = Reflect.get(Object(Reflect.get(value, "constructor")), "name");
  return `an instance of ${typeof name === "string" && name !== "" ? name : "a class"} (use a plain object)`;
}

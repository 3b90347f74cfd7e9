/**
 * Checks received JSON against the limits of a worker before the parse. `JSON.parse` cannot be
 * interrupted, and its result may take thirty times the text: 10 MB of `{},` are 220 MB of objects,
 * 10 MB of different names take 1.8 s. Later steps (the schema, the digest, the task) also take
 * time per value. Values, different names, and depth therefore have limits.
 */
import { ok, refuse, type Problem, type Result } from "../domain/problem.ts";
import { findJsonFault, type JsonFault } from "./json-fault.ts";

/**
 * Limit of nested lists and objects. Code that walks a value by recursion does not overflow at this
 * depth.
 */
const MAX_DEPTH = 1_000;
/** Limit of values: lists, objects, texts, numbers and words together. */
const MAX_VALUES = 1_000_000;
/** Limit of different property names. */
const MAX_NAMES = 200_000;

/** Minimal length of a written name. */
const LEAST_OF_NAME = 4;

/** Bits of the hash that tells names apart: enough to keep collisions among `MAX_NAMES` rare. */
const HASH_BITS = 22;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * Parses a JSON text. Refuses with `invalid_json` and the place of the fault (`hint` advises the
 * sender), with `invalid_payload` for too much depth, and with `payload_too_large` for too many
 * values.
 */
export function parseSentJson(text: string, hint: string): Result<unknown> {
  // A short text cannot exceed a limit.
  const burden = text.length <= MAX_DEPTH ? null : burdenOf(text);
  if (burden !== null) return refuse(burden);
  try {
    return ok(JSON.parse(text));
  } catch {
    const fault =
      text.trim() === "" ? { path: "$", message: "the body is empty" } : findJsonFault(text);
    return refuse(invalidJson(fault, hint));
  }
}

/** The refusal of an invalid JSON text. */
export function invalidJson(fault: JsonFault, hint: string): Problem {
  return {
    code: "invalid_json",
    detail: `The body is not valid JSON: ${fault.message}.`,
    hint,
    errors: [fault],
  };
}

function burdenOf(text: string): Problem | null {
  const names = text.length > LEAST_OF_NAME * MAX_NAMES ? new Names() : null;
  let depth = 0;
  // Counts one per opening bracket and one per comma: a bracket also stands for the first value in
  // it.
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case OPENING_BRACKET:
      case OPENING_BRACE:
        depth += 1;
        values += 1;
        if (depth > MAX_DEPTH) return TOO_DEEP;
        break;
      case COMMA:
        values += 1;
        break;
      case CLOSING_BRACKET:
      case CLOSING_BRACE:
        depth -= 1;
        break;
      case QUOTE: {
        const end = endOfString(text, at + 1);
        if (names !== null && isName(text, end + 1) && !names.add(text, at + 1, end))
          return TOO_MANY_NAMES;
        at = end;
        break;
      }
      default:
    }
  }
  return values > MAX_VALUES ? TOO_MANY_VALUES : null;
}

/** Index of the closing quote, or of the end of the text. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

function isName(text: string, behind: number): boolean {
  let at = behind;
  while (text.charCodeAt(at) <= 0x20) at += 1;
  return text.charCodeAt(at) === COLON;
}

/** Counts different names, approximately, in little memory. */
class Names {
  readonly #seen = new Uint8Array(2 ** (HASH_BITS - 3));
  /** Random seed, so that a sender cannot construct colliding names. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32);
  #count = 0;

  /** Adds a name; false above the limit. */
  add(text: string, from: number, to: number): boolean {
    // FNV-1a.
    let hash = this.#seed;
    for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
    const bit = hash >>> (32 - HASH_BITS);
    const mask = 1 << (bit & 7);
    const byte = this.#seen[bit >>> 3] ?? 0;
    if ((byte & mask) !== 0) return true;
    this.#seen[bit >>> 3] = byte | mask;
    this.#count += 1;
    return this.#count <= MAX_NAMES;
  }
}

const HINT =
  "Send it as application/octet-stream, or upload it to a bucket and send its key, and read it piece by piece in the task.";

const TOO_DEEP: Problem = {
  code: "invalid_payload",
  detail: `The JSON is nested deeper than ${MAX_DEPTH} levels, the most that is taken.`,
  hint: "Send it flatter, for example as a list of entries that name their parents.",
};

const TOO_MANY_VALUES: Problem = {
  code: "payload_too_large",
  detail: `The JSON has more than ${MAX_VALUES} values, the most that are taken at once.`,
  hint: HINT,
};

const TOO_MANY_NAMES: Problem = {
  code: "payload_too_large",
  detail: `The JSON has more than about ${MAX_NAMES} different names of properties, the most that are taken at once.`,
  hint: HINT,
};

/**
 * JSON that somebody has sent, held against what a worker can bear before it is parsed. `JSON.parse` cannot be interrupted, and what it
 * makes may be thirty times the text: 10 MB of `{},` are 220 MB of objects, 10 MB of other names 1.8 s. What comes behind it (the schema,
 * the digest, the task) takes its time for each value, too. So values, different names, and depth have limits.
 */
import { ok, refuse, type Problem, type Result } from "../domain/problem.ts";
import { findJsonFault, type JsonFault } from "./json-fault.ts";

/** Levels of lists and objects. Code that walks a value by recursion does not overflow at as many. */
const MAX_DEPTH = 1_000;
/** Lists, objects, texts, numbers and words, all together. */
const MAX_VALUES = 1_000_000;
/** Names of properties that are not alike. */
const MAX_NAMES = 200_000;

/** No name is written shorter. */
const LEAST_OF_NAME = 4;

/** Names are told apart by a hash of so many bits: enough that few of `MAX_NAMES` are taken for each other. */
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
 * The value of a JSON text. Refuses with `invalid_json` and the place where it stops being JSON (`hint` says what to send), with
 * `invalid_payload` what is too deep, with `payload_too_large` what is too much.
 */
export function parseSentJson(text: string, hint: string): Result<unknown> {
  // What is too short to be any of it is not looked at.
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

/** The refusal of what is no JSON. */
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
  // One for each bracket that opens, and one for each comma: the first in a list or object stands for that itself.
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

/** Where the closing quote is, or the end of the text. */
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

/** Counts names that differ, in little memory and about. */
class Names {
  readonly #seen = new Uint8Array(2 ** (HASH_BITS - 3));
  /** Not known to a sender, who could make names that are taken for each other. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32);
  #count = 0;

  /** False: they are too many. */
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

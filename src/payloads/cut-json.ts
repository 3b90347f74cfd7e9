/**
 * Parses JSON without one text of the whole. V8 holds ten megabytes with one letter beyond Latin-1
 * as twenty, and the texts in the parsed value as twenty more. Long texts are therefore cut out of
 * the JSON, and decoded from their bytes alone.
 */
import { isAscii } from "node:buffer";
import { decodeUtf8 } from "./utf8.ts";

/** Length of the steps of the search: a text of two steps is found wherever it begins. Bytes. */
const STEP = 8_192;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const BLANK = 0x20;

/** Letters that JSON refuses in a text: control characters. */
const CONTROL = /[^ -\uFFFF]/;

/** JSON without its long texts. */
export interface CutJson {
  /** The JSON with a stand-in for each long text: valid where the JSON is valid. */
  readonly text: string;
  /** Puts the texts into the parsed value of `text`, once. */
  restore(value: unknown): unknown;
}

/** Parses JSON that is valid. */
export function parseJson(bytes: Uint8Array): unknown {
  const cut = cutJson(bytes);
  return cut === null ? JSON.parse(decodeUtf8(bytes)) : cut.restore(JSON.parse(cut.text));
}

/**
 * Cuts the long texts with letters beyond ASCII; null without any. Names stay, and so do texts with
 * escapes, which need a parse.
 */
export function cutJson(bytes: Uint8Array): CutJson | null {
  if (bytes.length < STEP || isAscii(bytes)) return null;
  // No sender can write a stand-in.
  const nonce = crypto.randomUUID();
  const texts = new Map<string, string>();
  const pieces: string[] = [];
  let from = 0;
  for (const [begin, end] of longTexts(bytes)) {
    const text = decodeUtf8(bytes.subarray(begin, end));
    if (CONTROL.test(text)) continue;
    const standIn = `${nonce} ${String(texts.size).padStart(8, "0")}`;
    texts.set(standIn, text);
    pieces.push(decodeUtf8(bytes.subarray(from, begin)), standIn);
    from = end;
  }
  if (texts.size === 0) return null;
  pieces.push(decodeUtf8(bytes.subarray(from)));
  return { text: pieces.join(""), restore: (value) => restored(value, texts) };
}

/**
 * Finds the texts to cut: a long stretch between two quotes with a letter beyond ASCII. Valid JSON
 * has such letters in texts only, and without a backslash before and within, both quotes belong to
 * the text. In invalid JSON, a stand-in outside of a text is as invalid as the letters.
 */
function* longTexts(bytes: Uint8Array): Generator<readonly [begin: number, end: number]> {
  // A stretch of two steps without a quote covers all bytes from one of these places to the next.
  for (let at = STEP; at < bytes.length; at += STEP) {
    const end = bytes.indexOf(QUOTE, at);
    if (end === -1) return;
    if (end - at < STEP) continue;
    const begin = bytes.lastIndexOf(QUOTE, at - 1) + 1;
    const text = bytes.subarray(begin, end);
    const isAlone = begin > 0 && bytes[begin - 2] !== BACKSLASH && text.indexOf(BACKSLASH) === -1;
    if (isAlone && !isAscii(text) && !isName(bytes, end)) yield [begin, end];
    // The next place behind the stretch.
    at = end - (end % STEP);
  }
}

function isName(bytes: Uint8Array, end: number): boolean {
  let at = end + 1;
  while ((bytes[at] ?? COLON) <= BLANK) at += 1;
  return bytes[at] === COLON;
}

/** Replaces the stand-ins. A stored value may have any depth, so the walk has no recursion. */
function restored(value: unknown, texts: Map<string, string>): unknown {
  const all = { value };
  const open: unknown[] = [all];
  const look = (holder: object, key: string | number): void => {
    const part: unknown = Reflect.get(holder, key);
    if (typeof part === "object" && part !== null) open.push(part);
    if (typeof part !== "string") return;
    const text = texts.get(part);
    if (text === undefined) return;
    // Sets an own property named __proto__ as well.
    Reflect.set(holder, key, text);
    texts.delete(part);
  };
  for (let next = open.pop(); next !== undefined && texts.size > 0; next = open.pop())
    if (Array.isArray(next)) for (let at = 0; at < next.length; at += 1) look(next, at);
    else for (const key of Object.keys(Object(next))) look(Object(next), key);
  return all.value;
}

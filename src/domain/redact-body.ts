/**
 * Removes secrets from a body before storage: JSON and form values with secret-sounding names,
 * values at the paths of peach.conf, and secret parameters of addresses. Every other byte stays
 * unchanged. A truncated body is processed up to its end. Pure.
 */
import { REDACTED, redactAddress } from "./delivery.ts";

/** Path below the body; `*` matches any one property or index. */
export type RedactPath = readonly string[];

/**
 * Secret field names in snake case. Narrower than header names: `author`, or the `key` of an
 * object, is no secret.
 */
const SECRET_FIELD =
  /(?:^|_)(?:authorization|cookies?|credentials?|jwt|password|passwd|passphrase|secrets?|signature|tokens?|(?:api|access|private|secret|signing)_?key)$|^(?:response|subscribe|unsubscribe)_?url$/;
/**
 * JSON token: a string (unterminated at the end of a truncated body), a mark, or any other value.
 */
const TOKEN = /"(?:[^"\\]|\\[^])*"?|[{}[\],:]|[^\s{}[\],:"]+/g;
const LONGEST_NAME = 200;

/** An open mapping or list, and the reader's position inside. */
interface Frame {
  readonly isList: boolean;
  key: string;
  /** Next token in a mapping is a name. */
  isName: boolean;
  index: number;
}

/**
 * Returns the redacted body; the identical bytes if nothing is secret, or the body is neither JSON
 * nor a form.
 */
export function redactBody(
  bytes: Uint8Array,
  contentType: string,
  paths: readonly RedactPath[],
): Uint8Array {
  const { text, encode } = readText(bytes);
  const isForm = /^\s*application\/x-www-form-urlencoded\b/i.test(contentType);
  // The first character decides, not the content type: SNS sends JSON as text/plain.
  const redacted = isForm
    ? redactForm(text, paths)
    : /^\s*[{["]/.test(text)
      ? redactJson(text, paths)
      : text;
  return redacted === text ? bytes : encode(redacted);
}

interface ReadText {
  readonly text: string;
  readonly encode: (text: string) => Uint8Array;
}

/**
 * Decodes UTF-8. Other bytes are mapped to one letter each, so every byte survives; letters without
 * a byte are escaped as in JSON.
 */
function readText(bytes: Uint8Array): ReadText {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: true,
    });
    return { text, encode: (redacted) => new TextEncoder().encode(redacted) };
  } catch {
    const escaped = (letter: string): string =>
      `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return {
      text: Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""),
      encode: (redacted) =>
        Uint8Array.from(redacted.replaceAll(/[\u0100-\uffff]/g, escaped), (letter) =>
          letter.charCodeAt(0),
        ),
    };
  }
}

function redactJson(text: string, paths: readonly RedactPath[]): string {
  const hidden = JSON.stringify(REDACTED);
  const stack: Frame[] = [];
  const parts: string[] = [];
  let copied = 0;
  /** The redacted value under way: its start, and the number of open brackets. */
  let secret: { readonly from: number; open: number } | null = null;
  const replace = (from: number, to: number, by: string): void => {
    parts.push(text.slice(copied, from), by);
    copied = to;
  };
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const opens = token === "{" || token === "[";
    const closes = token === "}" || token === "]";
    if (secret !== null) {
      secret.open += Number(opens) - Number(closes);
      if (secret.open > 0) continue;
      replace(secret.from, index + token.length, hidden);
      secret = null;
      continue;
    }
    const frame = stack.at(-1);
    if (closes) stack.pop();
    else if (token === ",") step(frame);
    else if (token === ":") continue;
    else if (frame !== undefined && !frame.isList && frame.isName) {
      frame.key = stringIn(token) ?? token;
      frame.isName = false;
    } else if (isSecretValue(stack, paths)) {
      if (opens) secret = { from: index, open: 1 };
      else replace(index, index + token.length, hidden);
    } else if (opens)
      stack.push({ isList: token === "[", key: "0", isName: token === "{", index: 0 });
    else {
      const value = stringIn(token);
      const redacted =
        value === null ? null : redactValue(value, () => pathsBelow(keysOf(stack), paths));
      if (redacted !== value) replace(index, index + token.length, JSON.stringify(redacted));
    }
  }
  if (secret !== null) replace(secret.from, text.length, hidden);
  return parts.join("") + text.slice(copied);
}

/** Advances to the next item or name. */
function step(frame: Frame | undefined): void {
  if (frame === undefined) return;
  frame.index += 1;
  if (frame.isList) frame.key = String(frame.index);
  else frame.isName = true;
}

function redactForm(text: string, paths: readonly RedactPath[]): string {
  const fields = text.split("&").map((field) => {
    const [name = "", ...rest] = field.split("=");
    const value = decodeField(rest.join("="));
    const key = decodeField(name);
    const keys = keysOfField(key);
    const isSecret =
      keys.some(isSecretName) || [[key], keys].some((given) => isAtOrBelow(given, paths));
    const redacted = isSecret ? REDACTED : redactValue(value, () => pathsBelow(keys, paths));
    return redacted === value ? field : `${name}=${encodeURIComponent(redacted)}`;
  });
  return fields.join("&");
}

/**
 * Keys of a form field: `user[tokens][]` and `user.tokens[]` give `user`, `tokens` and an empty
 * key.
 */
function keysOfField(name: string): string[] {
  return name.replaceAll("]", "").split(/[[.]/);
}

/**
 * Redacts a text value: nested JSON (as in messages of SNS or interactions of Slack), or an
 * address. `below`: the paths inside.
 */
function redactValue(value: string, below: () => readonly RedactPath[]): string {
  if (/^\s*[{[]/.test(value)) return redactJson(value, below());
  return redactAddress(value);
}

/** Tests the value at the reader's position. No enclosing value is secret. */
function isSecretValue(stack: readonly Frame[], paths: readonly RedactPath[]): boolean {
  const last = stack.at(-1);
  if (last === undefined) return false;
  if (!last.isList && isSecretName(last.key)) return true;
  return paths.some((path) => path.length === stack.length && leadsTo(path, keysOf(stack)));
}

function keysOf(stack: readonly Frame[]): readonly string[] {
  return stack.map(({ key }) => key);
}

function isSecretName(name: string): boolean {
  return name.length <= LONGEST_NAME && SECRET_FIELD.test(snakeCase(name));
}

function isAtOrBelow(keys: readonly string[], paths: readonly RedactPath[]): boolean {
  return paths.some(
    (path) => path.length <= keys.length && leadsTo(path, keys.slice(0, path.length)),
  );
}

/** Returns the remainders of the paths through these keys. */
function pathsBelow(keys: readonly string[], paths: readonly RedactPath[]): readonly RedactPath[] {
  return paths.flatMap((path) =>
    path.length > keys.length && leadsTo(path.slice(0, keys.length), keys)
      ? [path.slice(keys.length)]
      : [],
  );
}

/** Compares a path with keys of equal length. */
function leadsTo(path: RedactPath, keys: readonly string[]): boolean {
  return path.every((part, depth) => part === "*" || part === keys[depth]);
}

/** Converts a name to snake case. Spaces, dots and brackets of flat names count as separators. */
function snakeCase(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replaceAll(/[^A-Za-z\d]+/g, "_")
    .replace(/_$/, "")
    .toLowerCase();
}

/** Decodes a JSON string token, also truncated; null for any other token. */
function stringIn(token: string): string | null {
  if (!token.startsWith('"')) return null;
  // The end may lie inside an escape.
  return (
    parsedString(token) ??
    parsedString(`${token}"`) ??
    parsedString(`${token.replace(/\\u[\da-f]{0,3}$/i, "")}"`)
  );
}

function parsedString(token: string): string | null {
  try {
    return String(JSON.parse(token));
  } catch {
    return null;
  }
}

/** Decodes valid escapes only. A truncated or invalid escape stays as text. */
function decodeField(text: string): string {
  return text.replaceAll("+", " ").replaceAll(/(?:%[\da-f]{2})+/gi, (run) => {
    const bytes = run.slice(1).split("%");
    return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
  });
}

/**
 * Takes secrets out of a body before it is kept: values of JSON and of forms whose names sound like a secret, or whose paths
 * peach.conf names, and the secret parameters of addresses in them. All the rest stays byte by byte as it came; a body that was cut
 * off is read as far as it goes. Pure.
 */
import { REDACTED, redactAddress } from "./delivery.ts";

/** A path below the body; `*` stands for any one property or index. */
export type RedactPath = readonly string[];

/** In snake case. Narrower than names of headers: an `author` and the `key` of an object are no secrets. */
const SECRET_FIELD =
  /(?:^|_)(?:authorization|cookies?|credentials?|jwt|password|passwd|passphrase|secrets?|signature|tokens?|(?:api|access|private|secret|signing)_?key)$|^(?:response|subscribe|unsubscribe)_?url$/;
/** A string (without its closing quote where the body ends), a mark, or anything else that JSON may hold. */
const TOKEN = /"(?:[^"\\]|\\[^])*"?|[{}[\],:]|[^\s{}[\],:"]+/g;
const LONGEST_NAME = 200;

/** A mapping or a list that is open, and where in it the reader is. */
interface Frame {
  readonly isList: boolean;
  key: string;
  /** What comes next in a mapping is a name. */
  isName: boolean;
  index: number;
}

/** The body without its secrets; the very same bytes if it has none, or is neither JSON nor a form. */
export function redactBody(
  bytes: Uint8Array,
  contentType: string,
  paths: readonly RedactPath[],
): Uint8Array {
  const { text, encode } = readText(bytes);
  const isForm = /^\s*application\/x-www-form-urlencoded\b/i.test(contentType);
  // By what it begins with: SNS sends JSON as text/plain.
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

/** As UTF-8. What is none is not kept as it came for that: there each byte is a letter, and what has no byte is escaped as JSON does. */
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
  /** The value that is left out: where it begins, and how many of its brackets are open. */
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

/** On to the next item, or the next name. */
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

/** `user[tokens][]` and `user.tokens[]`, which stand for values below others: `user`, `tokens` and an empty one. */
function keysOfField(name: string): string[] {
  return name.replaceAll("]", "").split(/[[.]/);
}

/** A text that may be JSON itself, as in a message of SNS or an interaction of Slack, or an address. `below`: the paths in it. */
function redactValue(value: string, below: () => readonly RedactPath[]): string {
  if (/^\s*[{[]/.test(value)) return redactJson(value, below());
  return redactAddress(value);
}

/** Whether the value that begins here is left out: of those above it none was. */
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

/** The rest of those paths that lead through here. */
function pathsBelow(keys: readonly string[], paths: readonly RedactPath[]): readonly RedactPath[] {
  return paths.flatMap((path) =>
    path.length > keys.length && leadsTo(path.slice(0, keys.length), keys)
      ? [path.slice(keys.length)]
      : [],
  );
}

/** Both are as long. */
function leadsTo(path: RedactPath, keys: readonly string[]): boolean {
  return path.every((part, depth) => part === "*" || part === keys[depth]);
}

/** Also of names with spaces, dots and brackets, as flat ones stand for a path. */
function snakeCase(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replaceAll(/[^A-Za-z\d]+/g, "_")
    .replace(/_$/, "")
    .toLowerCase();
}

/** What a token of JSON says if it is a string, also one that was cut off, else null. */
function stringIn(token: string): string | null {
  if (!token.startsWith('"')) return null;
  // Its end may be in the middle of an escape.
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

/** As far as it is encoded: it may be cut off in the middle of an escape, or hold what is none. */
function decodeField(text: string): string {
  return text.replaceAll("+", " ").replaceAll(/(?:%[\da-f]{2})+/gi, (run) => {
    const bytes = run.slice(1).split("%");
    return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
  });
}

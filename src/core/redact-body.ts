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
  /(?:^|_)(?:authorization|cookies?|credentials?|jwt|password|passwd|passphrase|secrets?|signature|tokens?|api_?key|access_?key|private_?key)$|^(?:response|subscribe|unsubscribe)_?url$/;
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
export function redactBody(bytes: Uint8Array, contentType: string, paths: readonly RedactPath[]): Uint8Array {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch {
    return bytes;
  }
  const isForm = /^\s*application\/x-www-form-urlencoded\b/i.test(contentType);
  // By what it begins with: SNS sends JSON as text/plain.
  const redacted = isForm ? redactForm(text, paths) : /^\s*[{[]/.test(text) ? redactJson(text, paths) : text;
  return redacted === text ? bytes : new TextEncoder().encode(redacted);
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
    } else if (isSecret(stack, paths)) {
      if (opens) secret = { from: index, open: 1 };
      else replace(index, index + token.length, hidden);
    } else if (opens) stack.push({ isList: token === "[", key: "0", isName: token === "{", index: 0 });
    else {
      const value = stringIn(token);
      const redacted = value === null ? null : redactValue(value);
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
    const frame = { isList: false, key: decodeField(name), isName: false, index: 0 };
    const redacted = isSecret([frame], paths) ? REDACTED : redactValue(value);
    return redacted === value ? field : `${name}=${encodeURIComponent(redacted)}`;
  });
  return fields.join("&");
}

/** A text that may be JSON itself, as in a message of SNS or an interaction of Slack, or an address. */
function redactValue(value: string): string {
  if (/^\s*[{[]/.test(value)) return redactJson(value, []);
  return redactAddress(value);
}

function isSecret(stack: readonly Frame[], paths: readonly RedactPath[]): boolean {
  const last = stack.at(-1);
  if (last === undefined) return false;
  if (!last.isList && last.key.length <= LONGEST_NAME && SECRET_FIELD.test(snakeCase(last.key))) return true;
  return paths.some(
    (path) => path.length === stack.length && path.every((part, depth) => part === "*" || part === stack[depth]?.key),
  );
}

function snakeCase(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

/** What a token of JSON says if it is a string, also one that was cut off, else null. */
function stringIn(token: string): string | null {
  if (!token.startsWith('"')) return null;
  // Its end may be in the middle of an escape.
  return parsedString(token) ?? parsedString(`${token}"`) ?? parsedString(`${token.replace(/\\u[\da-f]{0,3}$/i, "")}"`);
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

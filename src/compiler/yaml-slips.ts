/** A slip of YAML syntax as its rules describe it, and the ranges of text that they name. */
import type { YAMLError } from "yaml";
import type { ErrorCode } from "../codes/codes.ts";
import type { QuotedText } from "./yaml-brackets.ts";
import { type Line, lineOf } from "./yaml-lines.ts";

/** A slip, with its place in the text. `end` is exclusive. */
export interface YamlFault extends Range {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

/** A range of the text. Offsets count UTF-16 units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** An error of the parser, with the text around it. */
export interface Found {
  readonly text: string;
  /** The texts in quotes, in file order. */
  readonly quoted: readonly QuotedText[];
  readonly error: YAMLError;
  /** The offset of the error. */
  readonly at: number;
  /** The line of this offset. */
  readonly line: Line;
  /** The text from the offset to the end of the line. */
  readonly rest: string;
}

/** A recognised slip. After a slip with `isOpen` the parser has misread the rest of the file. */
export type Slip = YamlFault & { readonly isOpen?: boolean };
export type Rule = (found: Found) => Slip | null;

/** Makes a slip. Without a hint the message says enough. */
export function slip(
  code: ErrorCode,
  { start, end }: Range,
  {
    hint = null,
    ...more
  }: { readonly message: string; readonly hint?: string | null; readonly isOpen?: boolean },
): Slip {
  return { code, start, end, hint, ...more };
}

/** Makes the range of this many characters. */
export function range(start: number, length: number): Range {
  return { start, end: start + length };
}

/** Returns the range of the first word of a line: a key without its colon, or a list item. */
export function firstWord({ start, text, indent }: Line): Range {
  const word = /^(- \S+?|[^\s:]+)(?=:|\s|$)/.exec(text.slice(indent))?.[0] ?? "";
  return range(start + indent, Math.max(1, word.length));
}

/** Returns the first word of a line, for messages. */
export function wordOf(text: string, line: Line): string {
  const { start, end } = firstWord(line);
  return text.slice(start, end);
}

/** Puts a text in quotes. A backslash is itself in single quotes. */
export function inQuotes(value: string): string {
  if (/[\\"]/.test(value) && !value.includes("'")) return `'${value}'`;
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Returns the range from an offset to the end of the line. */
export function restOfLine(text: string, start: number): Range {
  return { start, end: endOf(lineOf(text, start)) };
}

/** Returns the offset behind the last visible character of a line. */
export function endOf({ start, text }: Line): number {
  return start + text.trimEnd().length;
}

/** The lines and plain values of a YAML text, also of a text that does not parse. */
import { openBrackets } from "./yaml-brackets.ts";

/** A line without its line break. */
export interface Line {
  /** The offset of its first character. */
  readonly start: number;
  readonly text: string;
  /** The number of spaces and tabs in front. */
  readonly indent: number;
}

/** Finds the line of an offset. */
export function lineOf(text: string, offset: number): Line {
  // A negative position would find a line break at the beginning of the text.
  const start = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  const line = text.slice(start, end === -1 ? undefined : end).replace(/\r$/, "");
  return { start, text: line, indent: line.length - line.trimStart().length };
}

/** Finds the nearest line above with more than a comment. */
export function lineAbove(text: string, { start }: Line): Line | null {
  for (let end = start - 1; end >= 0;) {
    const line = lineOf(text, end);
    if (!isBlank(line)) return line;
    end = line.start - 1;
  }
  return null;
}

/** Finds the nearest line below with more than a comment. */
export function lineBelow(text: string, { start }: Line): Line | null {
  for (let next = start; ;) {
    next = text.indexOf("\n", next) + 1;
    if (next === 0 || next >= text.length) return null;
    const line = lineOf(text, next);
    if (!isBlank(line)) return line;
  }
}

function isBlank({ text }: Line): boolean {
  return /^\s*(#|$)/.test(text);
}

/**
 * Finds the value without quotes around an offset: from the last colon, dash, comma or bracket
 * before, to the end of the line, a comment, or within brackets to the next comma or bracket.
 */
export function plainValueAt(
  text: string,
  offset: number,
): { readonly start: number; readonly end: number } {
  const line = lineOf(text, offset);
  const before = text.slice(line.start, offset);
  const isFlow = openBrackets(text, offset).length > 0;
  const marks = isFlow ? /^.*(?::\s+|[[{,]\s*)/s : /^\s*(?:- +)*(?:[^\s:][^:]*?:\s+)?/s;
  const start = line.start + (marks.exec(before)?.[0].length ?? 0);
  const rest = line.text.slice(start - line.start);
  const value = isFlow ? /^[^,\]}]*/.exec(rest)?.[0] : rest.replace(/\s+#.*$/, "");
  return { start, end: start + (value ?? "").trimEnd().length };
}

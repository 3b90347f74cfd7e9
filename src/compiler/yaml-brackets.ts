/**
 * Finds the quotes and brackets of a YAML text, also of a text that does not parse. Quotes and
 * brackets count at the beginning of a value, and brackets within other brackets too. Elsewhere a
 * bracket is part of a text.
 */

/** The range of a text in quotes; `end` is behind the closing quote, or the end of the file. */
export type QuotedText = readonly [start: number, end: number];

/** The quotes of a text, and the brackets that are open at its end. */
interface Scanned {
  readonly open: readonly number[];
  readonly quoted: readonly QuotedText[];
}

const CLOSES: Readonly<Record<string, string>> = { "}": "{", "]": "[" };

/** Finds the bracket that has no counterpart in the text, or returns null. */
export function unclosedBracket(text: string): number | null {
  return scan(text, text.length).open.at(-1) ?? null;
}

/** Lists the brackets that are open at an offset. */
export function openBrackets(text: string, offset: number): readonly number[] {
  return scan(text, offset).open;
}

/** Lists the texts in quotes, in file order. */
export function quotedTexts(text: string): readonly QuotedText[] {
  return scan(text, text.length).quoted;
}

/**
 * Reads the text up to an offset. Stops at a bracket of the wrong kind; the bracket that is not
 * closed is then the last of the list.
 */
function scan(text: string, offset: number): Scanned {
  const open: number[] = [];
  const quoted: QuotedText[] = [];
  // A plain text may hold quotes and brackets, as in `the editor's [first] text`.
  // True where a value may begin.
  let isStart = true;
  for (let at = 0; at < offset; at++) {
    const character = text.charAt(at);
    if (character === "#" && /^\s?$/.test(text.charAt(at - 1))) at = endOfLine(text, at) - 1;
    else if (isStart && (character === '"' || character === "'")) {
      const end = endOfQuoted(text, at);
      quoted.push([at, end]);
      at = end - 1;
      isStart = false;
    } else if ((character === "{" || character === "[") && (isStart || open.length > 0)) {
      open.push(at);
      isStart = true;
    } else if ((character === "}" || character === "]") && open.length > 0) {
      if (text.charAt(open.at(-1) ?? 0) !== CLOSES[character]) break;
      open.pop();
      isStart = false;
    } else if (character === "\n" || (character === "," && open.length > 0)) isStart = true;
    else if (/[:?-]/.test(character) && /\s/.test(text.charAt(at + 1))) isStart = true;
    else if (!/\s/.test(character)) isStart = false;
  }
  return { open, quoted };
}

/** Finds the next line break, or the end of the text. */
function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

/** The offset behind the closing quote, or the end of the text. */
function endOfQuoted(text: string, from: number): number {
  const quote = text.charAt(from);
  for (let at = from + 1; at < text.length; at++) {
    if (quote === '"' && text.charAt(at) === "\\") at += 1;
    else if (text.charAt(at) === quote) {
      if (quote === '"' || text.charAt(at + 1) !== quote) return at + 1;
      at += 1;
    }
  }
  return text.length;
}

/**
 * Characters that look like marks of YAML or like spaces, and are none: a keyboard for Chinese or
 * Japanese types them, and web pages and word processors put them in.
 */

export const BLANK = /[\u00A0\u2000-\u200B\u202F\u205F\u3000\uFEFF]/;
const DASH = /[\u2010-\u2015\u2212]/;
/** The full-width forms of ASCII, two marks of Chinese and Japanese, and the above. */
const LOOKALIKE = new RegExp(`[\\uFF01-\\uFF5E\\u3001]|${BLANK.source}|${DASH.source}`, "u");

const BLANKS: Readonly<Record<string, string>> = {
  "\u00A0": "a no-break space",
  "\u200B": "a space without width",
  "\u3000": "a full-width space",
  "\uFEFF": "a byte order mark",
};

/** Names the first such character of a text and what to write for it; null if there is none. */
export function lookalikeHint(text: string): string | null {
  const found = LOOKALIKE.exec(text);
  if (found === null) return null;
  const [char] = found;
  const before = text.slice(0, found.index);
  const name = nameOf(char);
  if (!BLANK.test(char)) {
    const ascii = asciiOf(char);
    return `${name} only looks like \`${ascii}\`: write ${ascii} in its place`;
  }
  const rest = text.slice(found.index).replaceAll(new RegExp(BLANK, "g"), "").trim();
  const place = before === "" ? "at its beginning" : `behind ${before}`;
  const instead = before === "" || rest === "" ? "remove it" : "write a space in its place";
  return `${name} stands ${place} and only looks like a space: ${instead}`;
}

/** Names a character, for messages: "`，` (U+FF0C)", or "a no-break space (U+00A0)". */
export function nameOf(char: string): string {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const blank = BLANK.test(char) ? (BLANKS[char] ?? "a special space") : `\`${char}\``;
  return `${blank} (U+${code})`;
}

/** Returns the mark of ASCII that a character looks like. */
function asciiOf(char: string): string {
  if (char === "\u3001") return ",";
  return DASH.test(char) ? "-" : char.normalize("NFKC");
}

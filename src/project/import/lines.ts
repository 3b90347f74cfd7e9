/** Breaks texts of the original into lines. A line break may not end a comment of TypeScript. */

/** Every line break of JavaScript: a text of Python or YAML may hold each of them. */
const BREAK = /\r\n|[\r\n\u2028\u2029]/;

/** Splits a text at each line break of JavaScript. */
export function splitLines(text: string): string[] {
  return text.split(BREAK);
}

/** Writes a text as one line. */
export function oneLine(text: string): string {
  return splitLines(text).join(" ");
}

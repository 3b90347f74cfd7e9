/** The width of texts in a terminal. */

/** Characters that take two cells of a terminal. */
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const GRAPHEMES = new Intl.Segmenter();
/** Texts without a wide character or a character of several parts. */
const NARROW = /^[\x20-\x7e]*$/;

/** Splits a text into characters as people see them, each with its width in cells. */
export function cellsOf(text: string): { readonly character: string; readonly width: number }[] {
  return Array.from(GRAPHEMES.segment(text), ({ segment }) => ({
    character: segment,
    width: WIDE.test(segment) ? 2 : 1,
  }));
}

/** Measures the width of a text in cells. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  return cellsOf(text).reduce((sum, { width }) => sum + width, 0);
}

/** Safe texts for terminals. */
import { stripVTControlCharacters } from "node:util";

/**
 * Makes a text safe for terminals. Terminal sequences are removed. Line breaks, other control
 * characters and marks of the reading direction become spaces.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- These are the ones.
  const steers = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;
  return stripVTControlCharacters(text).replaceAll(steers, " ");
}

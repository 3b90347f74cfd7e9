/** Explains a code of a diagnostic in the terminal. */
import { type Code, CODES } from "../../codes/codes.ts";
import type { Definition, Example } from "../../codes/definition.ts";
import { wrap } from "../command.ts";

/** The width of the text without a terminal, in characters. */
const WIDTH = 80;
/** The largest width: longer lines are hard to read. */
const MAX_WIDTH = 100;

/**
 * Renders the definition of a code. `columns` is the width of the terminal; null if there is none.
 */
export function explain(code: Code, columns: number | null): string {
  const { severity, title, explanation, wrong, right }: Definition = CODES[code];
  const width = Math.min(columns ?? WIDTH, MAX_WIDTH);
  const paragraphs = explanation.trim().split("\n\n");
  return [
    `${code} (${severity}): ${title}`,
    ...paragraphs.map((text) => wrap(text.replaceAll("\n", " "), width, "").join("\n")),
    ...(wrong === null ? [] : [`Wrong:\n\n${exampleText(wrong)}`]),
    ...(right === null ? [] : [`Right:\n\n${exampleText(right)}`]),
  ].join("\n\n");
}

/** Renders the files of an example, indented; a lone peach.conf has no heading. */
function exampleText(example: Example): string {
  if (typeof example === "string") return indented(example);
  const files = Object.entries(example);
  return files.map(([path, text]) => indented(`# ${path}\n${text}`)).join("\n\n");
}

/** Indents each line with text by four spaces. */
function indented(text: string): string {
  return text.trimEnd().replaceAll(/^(?=.)/gm, "    ");
}

/** Renders the changes between two texts, line by line, with some lines around each change. */

import { diff } from "node:util";

/** The signs of Node's operations: a line only of the first text, of both, only of the second. */
const SIGNS = new Map([
  [1, "-"],
  [0, " "],
  [-1, "+"],
]);

/** Unchanged lines that are shown around a change. */
const AROUND = 2;

/** Renders the difference as lines that begin with `-`, `+` or a space; `...` stands for a gap. */
export function lineDiff(before: string, after: string): string[] {
  const lines = diff(linesOf(before), linesOf(after)).map(
    ([operation, text]) => [SIGNS.get(operation) ?? " ", text] as const,
  );
  const isNear = lines.map((_line, index) =>
    lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(([sign]) => sign !== " "),
  );
  return lines.flatMap(([sign, text], index) => {
    if (isNear[index] === true) return [`${sign} ${text}`.trimEnd()];
    return isNear[index - 1] === true || index === 0 ? ["..."] : [];
  });
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

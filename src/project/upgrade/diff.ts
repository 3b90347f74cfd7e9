/** Renders the changes between two texts, line by line, with some lines around each change. */

type Line = readonly [sign: " " | "-" | "+", text: string];

/** Unchanged lines that are shown around a change. */
const AROUND = 2;

/** Renders the difference as lines that begin with `-`, `+` or a space; `...` stands for a gap. */
export function lineDiff(before: string, after: string): string[] {
  const lines = compare(linesOf(before), linesOf(after));
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

/** Finds the longest common subsequence, and marks the other lines. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  const lengths = commonLengths(before, after);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old = "", young = ""] = [before[i], after[j]];
    const common = i < before.length && j < after.length && old === young;
    if (common) lines.push([" ", old]);
    const isRemoved =
      !common &&
      i < before.length &&
      (j >= after.length || (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0));
    if (isRemoved) lines.push(["-", old]);
    else if (!common) lines.push(["+", young]);
    if (common || isRemoved) i++;
    if (!isRemoved) j++;
  }
  return lines;
}

/** The length of the longest common subsequence of the rests from each pair of lines. */
function commonLengths(before: readonly string[], after: readonly string[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    Array.from({ length: after.length + 1 }, () => 0),
  );
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row === undefined) continue;
      row[j] =
        before[i] === after[j]
          ? (lengths[i + 1]?.[j + 1] ?? 0) + 1
          : Math.max(lengths[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  return lengths;
}

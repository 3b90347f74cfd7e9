/** Rules for slips of indentation in YAML. */
import { type Line, lineAbove, lineBelow, lineOf } from "./yaml-lines.ts";
import { firstWord, type Found, range, type Slip, slip, wordOf } from "./yaml-slips.ts";

/**
 * A text of several lines that is not indented:
 *
 *     description: |
 *     Speech to text
 */
export function flatText({ text, error, line }: Found): Slip | null {
  if (error.code !== "MULTILINE_IMPLICIT_KEY" && error.code !== "MISSING_CHAR") return null;
  const above = lineAbove(text, line);
  const [, mark] = /:\s+([|>])[-+\d]*\s*(?:#.*)?$/.exec(above?.text ?? "") ?? [];
  if (above === null || mark === undefined || line.indent > above.indent) return null;
  return slip("PEACH017", range(line.start + line.indent, line.text.trim().length), {
    message: `the text of the ${mark} above is not indented further than its key`,
    hint: `indent the lines of the text by more than ${above.indent} spaces`,
  });
}

/**
 * A line that is indented further than the entry above, which has a value already:
 *
 *     method: a
 *      downstream: b
 */
export function deeperLine({ text, error, line, rest }: Found): Slip | null {
  if (error.code !== "BLOCK_AS_IMPLICIT_KEY") return null;
  const below = lineBelow(text, line);
  const isEntry = /^\s*(- )?[^\s#].*?:\s+\S/.test(line.text);
  if (below === null || !isEntry || below.indent <= line.indent || /:(\s|$)/.test(rest))
    return null;
  return slip("PEACH017", firstWord(below), {
    message:
      `\`${wordOf(text, below)}\` is indented by ${below.indent} spaces, ` +
      `and the line above by ${line.indent}`,
    hint: `indent it by ${line.indent} spaces: the line above has its value already`,
  });
}

/**
 * A line with an indentation that no line above has, or a list item beside keys:
 *
 *     method: a
 *    timeout: 5m
 */
export function unevenLine({ text, error, at }: Found): Slip | null {
  const isUneven =
    error.code === "BAD_INDENT" ||
    /block sequence may not be used as an implicit map key/.test(error.message);
  if (!isUneven) return null;
  // The parser points at the indentation, or at the end of the line before.
  const line = lineOf(text, at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0));
  const name = wordOf(text, line);
  const levels = levelsAbove(text, line);
  const beside = levels.find(({ indent }) => indent === line.indent);
  if (beside !== undefined)
    return slip("PEACH017", firstWord(line), {
      message:
        `\`${name}\` stands beside \`${wordOf(text, beside)}\`: ` +
        "a list and keys cannot be mixed",
      hint:
        "indent it as the lines that it belongs to, " +
        "or make it an item of the list with a dash and a space",
    });
  const choices = levels.map(
    (level) => `by ${level.indent} to stand beside \`${wordOf(text, level)}\``,
  );
  return slip("PEACH017", firstWord(line), {
    message: `\`${name}\` is indented by ${line.indent} spaces, and no line above is`,
    hint: `indent it ${choices.join(", or ")}`,
  });
}

/**
 * Finds the lines above that a line may stand beside: the nearest line with a deeper indentation,
 * and the nearest line without.
 */
function levelsAbove(text: string, line: Line): Line[] {
  const levels: Line[] = [];
  for (let above = lineAbove(text, line); above !== null; above = lineAbove(text, above)) {
    const lowest = levels.at(-1);
    if (lowest === undefined || above.indent < lowest.indent) levels.push(above);
    if (above.indent <= line.indent) break;
  }
  return levels.slice(-2);
}

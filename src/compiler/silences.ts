/**
 * Comments that silence a warning: `# peach-ignore: PEACH720 REASON` in peach.conf, and `//
 * peach-ignore: PEACH720 REASON` in a file of the pipelines. A comment at the end of a line holds
 * for that line; a comment alone on a line holds for the next line of code. A comment without an
 * effect is a warning, so that no comment outlives the reason for the silence.
 */
import { CODES, findCode } from "../codes/codes.ts";
import { type Diagnostic, reportInto } from "./diagnostic.ts";
import { positionAt, type SourceFile, type Span } from "./source.ts";

/** The word that begins a silence. Files without the word are passed over. */
const WORD = "peach-ignore";
const COMMENT = /(#|\/\/)[ \t]*peach-ignore\b:?[ \t]*(\S*)[ \t]*([^\r\n]*)/;

/** A comment that silences a warning. */
interface Silence {
  readonly span: Span;
  /** The code as written. */
  readonly code: string;
  readonly reason: string;
  /** The silenced line, from 1. */
  readonly line: number;
}

/**
 * Leaves out the silenced warnings, and adds a warning for each silence that is wrong or without an
 * effect. The hint of every other warning shows the comment that would silence the warning.
 */
export function withSilences(
  warnings: readonly Diagnostic[],
  sources: readonly SourceFile[],
): readonly Diagnostic[] {
  const silences = sources.flatMap(silencesIn);
  const used = new Set<Silence>();
  const left = warnings.filter((warning) => {
    const found = silences.filter((silence) => isSilenced(warning, silence));
    for (const silence of found) used.add(silence);
    return found.length === 0;
  });
  const added: Diagnostic[] = [];
  const warn = reportInto(added);
  for (const silence of silences) {
    const { span, code, reason } = silence;
    if (used.has(silence) && reason !== "") continue;
    if (used.has(silence))
      warn("PEACH728", span, `this comment gives no reason for silencing ${code}`, {
        hint: "write the reason after the code",
      });
    else
      warn("PEACH728", span, `this comment silences nothing: ${faultOf(code)}`, {
        hint:
          "remove it; a silence stands at the end of the line with the warning, " +
          "or on the line above",
      });
  }
  return [...left.map(silenceable), ...added];
}

/** Tests if a silence holds for a warning. A silence without a reason holds as well. */
function isSilenced({ code, span }: Diagnostic, silence: Silence): boolean {
  return (
    silence.code === code &&
    silence.span.source.path === span.source.path &&
    silence.line === positionAt(span.source, span.start).line
  );
}

/** Adds the silencing comment to the hint of a warning. */
function silenceable(warning: Diagnostic): Diagnostic {
  const mark = warning.span.source.path.endsWith(".ts") ? "//" : "#";
  const how = `if it is meant so: ${mark} ${WORD}: ${warning.code} REASON`;
  return { ...warning, hint: warning.hint === null ? how : `${warning.hint}\n${how}` };
}

/**
 * Says why a silence has no effect: the code is unknown or shortened, belongs to an error, or no
 * warning of the code stands at the place.
 */
function faultOf(code: string): string {
  const found = findCode(code);
  if ("near" in found) {
    const near = found.near === null ? "" : `; did you mean ${found.near}?`;
    return code === "" ? "it names no code" : `there is no code ${code}${near}`;
  }
  if (CODES[found.code].severity === "error")
    return `${found.code} is an error, which has to be mended`;
  return found.code === code
    ? `there is no ${code} on its line, or on the line below`
    : `write ${found.code} in full`;
}

/**
 * Finds the silences of a file, line by line. Comments are found by their text: neither YAML nor
 * TypeScript has to be parsed, and a silence in a text between quotes is improbable.
 */
function silencesIn(source: SourceFile): Silence[] {
  if (!source.text.includes(WORD)) return [];
  const lines = source.text.split("\n");
  let offset = 0;
  return lines.flatMap((line, index) => {
    const start = offset;
    offset += line.length + 1;
    const match = COMMENT.exec(line);
    const isMark = match?.[1] === (source.path.endsWith(".ts") ? "//" : "#");
    if (match === null || !isMark) return [];
    const [comment, mark = "", code = "", reason = ""] = match;
    const span = {
      source,
      start: start + match.index,
      end: start + match.index + comment.trimEnd().length,
    };
    const isAlone = line.slice(0, match.index).trim() === "";
    const next = isAlone ? lineAfter(lines, index, mark) : index;
    return [{ span, code, reason: reason.trim(), line: next + 1 }];
  });
}

/**
 * Finds the next line that is not a comment alone, so that several silences may stand above a line
 * of code. Returns the given line at the end of the file.
 */
function lineAfter(lines: readonly string[], index: number, mark: string): number {
  const next = lines.findIndex((line, at) => at > index && !line.trimStart().startsWith(mark));
  return next === -1 ? index : next;
}

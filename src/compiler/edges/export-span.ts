import type { ResolvedMethod } from "../methods.ts";
import { displayPath } from "../project-paths.ts";
import { readText } from "../read-file.ts";
import type { SourceFile, Span } from "../source.ts";

/**
 * Finds the name of an export in its file. Falls back to the first mention of the name: a file may
 * export a name by a list, or from another file.
 */
export function exportSpan({ file, exportName }: ResolvedMethod): Span {
  const source: SourceFile = { path: displayPath(file), text: readText(file) ?? "" };
  const declared = new RegExp(
    String.raw`export\s+(?:default\s+)?(?:async\s+)?(?:const|let|var|class|function\*?)\s+(?=${exportName}\b)`,
  ).exec(source.text);
  const start =
    declared === null
      ? Math.max(0, source.text.search(new RegExp(String.raw`\b${exportName}\b`)))
      : declared.index + declared[0].length;
  return { source, start, end: start + exportName.length };
}

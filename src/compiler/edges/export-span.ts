import type { ResolvedMethod } from "../methods.ts";
import { displayPath } from "../project-paths.ts";
import { readText } from "../read-file.ts";
import type { SourceFile, Span } from "../source.ts";

/** The place of an export in its file. */
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

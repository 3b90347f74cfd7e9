/** A text file; `path` is the path that diagnostics show. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A token of a source file. Offsets count UTF-16 units; `end` is exclusive. */
export interface Span {
  readonly source: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** A position in a file. Both numbers start at 1; columns count UTF-16 units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Converts an offset to a position. Offsets beyond the end are the end. */
export function positionAt(source: SourceFile, offset: number): Position {
  const before = source.text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: before.length - lineStart + 1 };
}

/** Converts a position from another tool to an offset inside the file. */
export function offsetAt(source: SourceFile, { line, column }: Position): number {
  const lines = source.text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  return Math.min(before + column - 1, source.text.length);
}

/** Returns the line at an offset, without its line break. */
export function lineAt(source: SourceFile, offset: number): string {
  // A negative position would find a line break at the beginning of the file.
  const start = offset === 0 ? 0 : source.text.lastIndexOf("\n", offset - 1) + 1;
  const end = source.text.indexOf("\n", offset);
  return source.text.slice(start, end === -1 ? undefined : end).replace(/\r$/, "");
}

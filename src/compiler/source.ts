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

/** The byte order mark, with which editors of Windows begin a file. It is no column of its line. */
const MARK = "\uFEFF";

/**
 * The offsets at which the lines of a file begin. They are kept, since a large file may have a
 * problem in each line.
 */
const LINE_STARTS = new WeakMap<SourceFile, readonly number[]>();

/** Converts an offset to a position. Offsets beyond the end are the end. */
export function positionAt(source: SourceFile, offset: number): Position {
  const at = Math.min(offset, source.text.length);
  const starts = lineStarts(source);
  const line = countUpTo(starts, at);
  return { line, column: Math.max(0, at - (starts[line - 1] ?? 0)) + 1 };
}

/** Converts a position from another tool to an offset inside the file. */
export function offsetAt(source: SourceFile, { line, column }: Position): number {
  const start = lineStarts(source)[line - 1] ?? source.text.length;
  return Math.min(start + column - 1, source.text.length);
}

/** Returns the line at an offset, without its line break. */
export function lineAt(source: SourceFile, offset: number): string {
  const start = lineStarts(source)[positionAt(source, offset).line - 1];
  const end = source.text.indexOf("\n", offset);
  return source.text.slice(start, end === -1 ? undefined : end).replace(/\r$/, "");
}

function lineStarts(source: SourceFile): readonly number[] {
  const known = LINE_STARTS.get(source);
  if (known !== undefined) return known;
  const { text } = source;
  const starts = [text.startsWith(MARK) ? MARK.length : 0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1))
    starts.push(end + 1);
  LINE_STARTS.set(source, starts);
  return starts;
}

/** Counts the lines that begin at an offset or before it; at least one. */
function countUpTo(starts: readonly number[], offset: number): number {
  let [low, high] = [1, starts.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle - 1] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

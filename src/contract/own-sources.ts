/** The positions of a project's own files in the bundle of the local runtime. */

/** Lines count from 1, columns from 0. */
export interface OwnSources {
  /** Paths relative to the project. */
  readonly sources: readonly string[];
  /**
   * Positions by line of the bundle, in groups of four numbers: a column of the bundle, and the
   * source, line and column that begin there. The groups ascend by the first number. Only lines of
   * the project's own files are present.
   */
  readonly lines: Readonly<Record<string, readonly number[]>>;
  /** Names that the bundler has changed, with the ones in the source. */
  readonly names: Readonly<Record<string, string>>;
}

/**
 * The place of the positions in the bundle: src/local/own-sources.ts writes them as JSON in place
 * of this text.
 */
export const OWN_SOURCES = "peach: the positions of the project's own files";

/** A place in a file of the project. */
export interface OwnPlace {
  /** A path relative to the project. */
  readonly path: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1, as stacks show it. */
  readonly column: number;
}

/**
 * Finds the place of a position in the bundle: the last one that begins there or before. Null if
 * the line of the bundle is not of the project's own files. Line and column count from 1.
 */
export function placeIn(
  { sources, lines }: OwnSources,
  line: number,
  column: number,
): OwnPlace | null {
  const positions = lines[line] ?? [];
  let at = -1;
  for (let next = 0; next < positions.length && (positions[next] ?? 0) < column; next += 4)
    at = next;
  if (at === -1) return null;
  const [, source = 0, sourceLine = 0, sourceColumn = 0] = positions.slice(at, at + 4);
  return { path: sources[source] ?? "", line: sourceLine, column: sourceColumn + 1 };
}

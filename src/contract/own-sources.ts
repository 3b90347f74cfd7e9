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
 * The place of the positions in the bundle: src/local/own-sources.ts writes them as JSON in place of
 * this text.
 */
export const OWN_SOURCES = "peach: the positions of the project's own files";

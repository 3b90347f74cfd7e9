/** Where commands write to, and what they work on: the process, or a test. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly repoRoot: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** 0: done, 1: problems were found, 2: the command was used wrongly. */
export type ExitCode = 0 | 1 | 2;

export interface Command {
  readonly summary: string;
  /** The whole of `--help`. */
  readonly usage: string;
  run(args: readonly string[], surroundings: Surroundings): Promise<ExitCode>;
}

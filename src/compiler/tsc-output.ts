/** A complaint of `tsc --pretty false`. */
export interface TscComplaint {
  /** As tsc names it: relative to where it ran. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly code: number;
  /** What is wrong and, indented, why. */
  readonly reason: readonly string[];
}

/** The complaints in an output. Lines that belong to none are left out. */
export function parseTscOutput(output: string): TscComplaint[] {
  const complaints: (TscComplaint & { readonly reason: string[] })[] = [];
  for (const text of output.split(/\r?\n/)) {
    const [, file, line, column, code, message] =
      /^(.+)\((\d+),(\d+)\): error TS(\d+): (.*)$/.exec(text) ?? [];
    if (file !== undefined && message !== undefined) {
      complaints.push({
        file,
        line: Number(line),
        column: Number(column),
        code: Number(code),
        reason: [message],
      });
    } else if (text.startsWith(" ")) complaints.at(-1)?.reason.push(text);
  }
  return complaints;
}

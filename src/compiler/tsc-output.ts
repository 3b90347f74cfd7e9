/** An error of `tsc --pretty false`. */
export interface TscComplaint {
  /** The path as tsc prints it, relative to its working directory. */
  readonly file: string;
  /** The position, from 1. */
  readonly line: number;
  readonly column: number;
  /** The number after `TS`. */
  readonly code: number;
  /** The message, and indented lines that give the reason. */
  readonly reason: readonly string[];
}

/** Parses the errors in an output. Lines that belong to no error are left out. */
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

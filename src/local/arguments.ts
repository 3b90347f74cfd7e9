import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** Arguments that a command refuses: exit code 2. */
export class UsageError extends Error {}

/** The options of this command line. Throws `UsageError` for unknown ones, missing values and anything that is no option. */
export function parseOptions<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's text goes on with how to pass it as a positional argument; there are none.
    const [reason = error.message] = error.message.split(/\.? (?:To specify|This command)/);
    throw new UsageError(`${reason.replace(/\.$/, "")}.`);
  }
}

/** A port; 0 is a free one. Throws `UsageError` for anything else. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535))
    throw new UsageError(`--port takes a number from 0 to 65535, given ${JSON.stringify(text)}.`);
  return port;
}

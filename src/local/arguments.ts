import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** Wrong arguments of a command: exit code 2. */
export class UsageError extends Error {}

/**
 * Parses the options of a command line. Throws `UsageError` for an unknown option, a missing value
 * or a word that is no option.
 */
export function parseOptions<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's message continues with advice on positional arguments, which these commands do not
    // have.
    const [reason = error.message] = error.message.split(/\.? (?:To specify|This command)/);
    throw new UsageError(`${reason.replace(/\.$/, "")}.`);
  }
}

/** Parses a port number; 0 stands for a free port. Throws `UsageError` for anything else. */
export function parsePort(text: string, option = "--port"): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535))
    throw new UsageError(
      `${option} takes a number from 0 to 65535, given ${JSON.stringify(text)}.`,
    );
  return port;
}

/**
 * Takes an option with an optional port out of the arguments: `--inspect` or `--inspect 9230`. The
 * port is `fallback` if none follows, and undefined without the option.
 */
export function takePortOption(
  args: readonly string[],
  option: string,
  fallback: number,
): { readonly port: number | undefined; readonly rest: readonly string[] } {
  const at = args.findIndex((arg) => arg === option || arg.startsWith(`${option}=`));
  if (at === -1) return { port: undefined, rest: args };
  const [, joined] = (args[at] ?? "").split("=");
  const next = args[at + 1];
  const follows = joined === undefined && next !== undefined && /^\d/.test(next);
  const given = joined ?? (follows ? next : undefined);
  const rest = args.toSpliced(at, follows ? 2 : 1);
  return { port: given === undefined ? fallback : parsePort(given, option), rest };
}

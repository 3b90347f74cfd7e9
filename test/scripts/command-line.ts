/** The command line as a test drives it: what it wrote, and its exit code. */
import { runCommand } from "../../src/cli/run.ts";
import type { ExitCode, CommandHost } from "../../src/cli/command.ts";

/** What there is beside the arguments; by default no terminal, nobody to ask, and nothing on stdin. */
export interface Circumstances {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly projectRoot?: string;
  readonly columns?: number;
  readonly colors?: boolean;
  readonly stdin?: string | Uint8Array;
  /** What a person answers to each question. */
  readonly answer?: string;
  readonly signal?: AbortSignal;
}

export interface Written {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
  /** What the person was asked. */
  readonly asked: readonly string[];
}

/** The host of a command, and what it writes into them. */
export function hostFor(given: Circumstances): {
  host: CommandHost;
  written: () => Omit<Written, "code">;
} {
  const out: string[] = [];
  const err: string[] = [];
  const asked: string[] = [];
  const { env = {}, projectRoot = process.cwd(), columns = null, colors = false, stdin = "", answer } = given;
  const host: CommandHost = {
    env,
    projectRoot,
    cwd: process.cwd(),
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    outBytes: (bytes) => out.push(new TextDecoder().decode(bytes)),
    terminal: { columns, colors },
    readStdin: async () => (typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin),
    ask: async (question) => {
      asked.push(question);
      return answer ?? null;
    },
    signal: given.signal ?? new AbortController().signal,
  };
  return { host, written: () => ({ out: out.join("\n"), err: err.join("\n"), asked }) };
}

/** Runs one command line, given as its words. */
export async function commandLine(args: readonly string[], given: Circumstances = {}): Promise<Written> {
  const { host, written } = hostFor(given);
  const code = await runCommand(args, host);
  return { code, ...written() };
}

/** The host of a command that runs as a process. */
import { buffer } from "node:stream/consumers";
import { findProjectRoot } from "../compiler/project-paths.ts";
import { wasInterrupted } from "../local/interrupt.ts";
import { ask } from "./ask.ts";
import type { ExitCode, CommandHost } from "./command.ts";

/** Runs a command in this process, and sets its exit code; 130 after Ctrl-C, as shells expect. */
export async function runAsProcess(run: (host: CommandHost) => Promise<ExitCode>): Promise<void> {
  const interrupted = new AbortController();
  // Once only: a second signal ends the process at once.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => interrupted.abort());
  // The reader of the output has gone, as `head` does when it has enough.
  process.stdout.on("error", () => process.exit());
  try {
    const code = await run(processHost(interrupted.signal));
    process.exitCode = interrupted.signal.aborted ? 130 : code;
  } catch (error) {
    if (!(await wasInterrupted(interrupted.signal))) throw error;
    process.exitCode = 130;
  }
}

/** Makes the host of a command in this process. */
export function processHost(signal: AbortSignal): CommandHost {
  const { stdout, stdin, env } = process;
  const isTerminal = stdout.isTTY;
  return {
    env,
    cwd: process.cwd(),
    projectRoot: findProjectRoot(),
    out: (text) => console.log(text),
    err: (text) => console.error(text),
    outBytes: (bytes) => void stdout.write(bytes),
    terminal: {
      columns: isTerminal ? stdout.columns : null,
      colors: isTerminal && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
    },
    readStdin: () => buffer(stdin),
    async ask(question) {
      if (!stdin.isTTY || !isTerminal) return null;
      const interrupt = (): void => void process.kill(process.pid, "SIGINT");
      return ask(question, { input: stdin, output: stdout, signal, interrupt });
    },
    signal,
  };
}

/** Finds the command that was named and runs it. */
import { nearest } from "../../src/conf/nearest.ts";
import { check } from "./check.ts";
import type { Command, ExitCode, Surroundings } from "./command.ts";
import { graph } from "./graph.ts";
import { reconcile } from "./reconcile.ts";
import { schedules } from "./schedules.ts";

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["check", check],
  ["graph", graph],
  ["reconcile", reconcile],
  ["schedules", schedules],
]);

/** Commands of Peach that this version does not have: refused, never taken for typing errors. */
const NOT_YET = ["trigger", "runs", "show", "watch", "logs", "cancel", "retry", "replay", "plan", "provision"];

/** Runs one command line, without the program's own name. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    surroundings.out(usage());
    return 0;
  }
  const command = COMMANDS.get(name ?? "");
  if (command !== undefined) return command.run(rest, surroundings);
  surroundings.err(refusal(name));
  return 2;
}

function refusal(name: string | undefined): string {
  if (name === undefined) return `a command is missing\n\n${usage()}`;
  if (NOT_YET.includes(name))
    return `this version of Peach does not have the command \`${name}\` yet; it has: ${[...COMMANDS.keys()].join(", ")}`;
  const near = nearest(name, COMMANDS.keys());
  return `there is no command \`${name}\`${near === null ? "" : `; did you mean \`${near}\`?`}\n\n${usage()}`;
}

function usage(): string {
  const commands = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return `usage: npm run peach -- <command> [options]\n\n${commands.join("\n")}\n\nEach command has --help.`;
}

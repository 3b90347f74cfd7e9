/** Finds the command that was named and runs it. */
import { nearest } from "../../src/conf/nearest.ts";
import { audit } from "./audit.ts";
import { check } from "./check.ts";
import type { Command, ExitCode, Surroundings } from "./command.ts";
import { complete } from "./complete.ts";
import { completionOf } from "./completion.ts";
import { deadLetters } from "./dead-letters.ts";
import { emit } from "./emit.ts";
import { graph } from "./graph.ts";
import { items } from "./items.ts";
import { limits } from "./limits.ts";
import { logs } from "./logs.ts";
import { pause, resume } from "./pause.ts";
import { payload } from "./payload.ts";
import { plan } from "./plan.ts";
import { provision } from "./provision.ts";
import { reconcile } from "./reconcile.ts";
import { runOne } from "./run-one.ts";
import { runs } from "./runs.ts";
import { schedules } from "./schedules.ts";
import { sessions } from "./sessions.ts";
import { show, watch } from "./show.ts";
import { cancel, replay, retry } from "./steer.ts";
import { tasks } from "./tasks.ts";
import { tokens } from "./tokens.ts";
import { trigger } from "./trigger.ts";

/** In the order of `--help`: the project, its runs, what is deployed. */
const GROUPS: readonly (readonly [title: string, commands: readonly Command[]])[] = [
  ["peach.conf and its deployment", [check, graph, schedules, plan, provision, reconcile]],
  ["Runs", [trigger, emit, runs, show, watch, logs, items, payload, cancel, retry, replay, complete]],
  ["What is deployed", [tasks, pause, resume, limits, deadLetters, tokens, sessions, audit]],
  ["The command line", [completionOf(() => [...COMMANDS.values()])]],
];

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  GROUPS.flatMap(([, commands]) => commands.map((command) => [command.name, command] as const)),
);

/** Runs one command line, without the program's own name. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    surroundings.out(usage());
    return 0;
  }
  const command = COMMANDS.get(name ?? "");
  if (command !== undefined) return runOne(command, rest, surroundings);
  surroundings.err(refusal(name));
  return 2;
}

function refusal(name: string | undefined): string {
  if (name === undefined) return `a command is missing\n\n${usage()}`;
  const near = nearest(name, COMMANDS.keys());
  return `there is no command \`${name}\`${near === null ? "" : `; did you mean \`${near}\`?`}\n\n${usage()}`;
}

function usage(): string {
  const groups = GROUPS.map(([title, commands]) => {
    const lines = commands.map(({ name, summary }) => `  ${name.padEnd(13)} ${summary}`);
    return `${title}\n${lines.join("\n")}`;
  });
  return `usage: npm run peach -- <command> [options]

${groups.join("\n\n")}

Each command has --help. Those that talk to a deployment find it by PEACH_URL and PEACH_API_TOKEN, or by --url and --token; without
them they talk to the runtime that \`npm run dev\` has started here.`;
}

/** Finds a command by name and runs it. */
import { nearest } from "../domain/nearest.ts";
import { audit } from "./commands/audit.ts";
import { check } from "./commands/check.ts";
import type { Command, ExitCode, CommandHost } from "./command.ts";
import { complete } from "./commands/complete.ts";
import { completionOf } from "./completion.ts";
import { deadLetters } from "./commands/dead-letters.ts";
import { emit } from "./commands/emit.ts";
import { graph } from "./commands/graph.ts";
import { importCommand } from "./commands/import.ts";
import { init } from "./commands/init.ts";
import { items } from "./commands/items.ts";
import { limits } from "./commands/limits.ts";
import { logs } from "./commands/logs.ts";
import { open } from "./commands/open.ts";
import { pause, resume } from "./commands/pause.ts";
import { payload } from "./commands/payload.ts";
import { plan } from "./commands/plan.ts";
import { provision } from "./commands/provision.ts";
import { reconcile } from "./commands/reconcile.ts";
import { runOne } from "./run-one.ts";
import { runs } from "./commands/runs.ts";
import { schedules } from "./commands/schedules.ts";
import { schema } from "./commands/schema.ts";
import { sessions } from "./commands/sessions.ts";
import { show, watch } from "./commands/show.ts";
import { cancel, replay, retry } from "./commands/steer.ts";
import { tasks } from "./commands/tasks.ts";
import { test } from "./commands/test.ts";
import { tokens } from "./commands/tokens.ts";
import { trigger } from "./commands/trigger.ts";
import { types } from "./commands/types.ts";
import { upgrade } from "./commands/upgrade.ts";
import { peachVersion } from "./version.ts";
import { PEACH } from "../compiler/peach-command.ts";

/** Commands in the order of `--help`. */
const GROUPS: readonly (readonly [title: string, commands: readonly Command[]])[] = [
  ["A project", [init, upgrade, test, importCommand]],
  [
    "peach.conf and its deployment",
    [check, schema, types, graph, schedules, plan, provision, reconcile],
  ],
  [
    "Runs",
    [trigger, emit, runs, show, watch, open, logs, items, payload, cancel, retry, replay, complete],
  ],
  ["What is deployed", [tasks, pause, resume, limits, deadLetters, tokens, sessions, audit]],
  ["The command line", [completionOf(() => [...COMMANDS.values()])]],
];

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  GROUPS.flatMap(([, commands]) => commands.map((command) => [command.name, command] as const)),
);

/** Finds a command by its name; undefined without one. */
export function commandOf(name: string): Command | undefined {
  return COMMANDS.get(name);
}

/** Runs a command line, given without the program's name. */
export async function runCommand(args: readonly string[], host: CommandHost): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === "help" && rest.length > 0) return runCommand([...rest.slice(0, 1), "--help"], host);
  if (name === "--help" || name === "-h" || name === "help") {
    host.out(usage());
    return 0;
  }
  if (name === "--version" || name === "-v" || name === "version") {
    host.out(peachVersion());
    return 0;
  }
  const command = commandOf(name ?? "");
  if (command !== undefined) return runOne(command, rest, host);
  host.err(unknownCommand(name));
  return 2;
}

/** The message for a missing or unknown command, with the most similar one. */
function unknownCommand(name: string | undefined): string {
  if (name === undefined) return `a command is missing\n\n${usage()}`;
  const near = nearest(name, COMMANDS.keys());
  return `there is no command \`${name}\`${near === null ? "" : `; did you mean \`${near}\`?`}\n--help lists the commands.`;
}

function usage(): string {
  const groups = GROUPS.map(([title, commands]) => {
    const lines = commands.map(({ name, summary }) => `  ${name.padEnd(13)} ${summary}`);
    return `${title}\n${lines.join("\n")}`;
  });
  return `usage: ${PEACH} <command> [options]

${groups.join("\n\n")}

Each command has --help. Those that talk to a deployment find it by PEACH_URL and PEACH_API_TOKEN, or by --url and --token; without
them they talk to the runtime that \`npm run dev\` has started here.

In a project \`npx peach\` also has dev, demo, compile and deploy, which checks and compiles before \`wrangler deploy\`.`;
}

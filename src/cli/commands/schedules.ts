import type { DeployedSchedule } from "../../client/client.ts";
import { checkProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { nextTimes } from "../../domain/schedules/next-times.ts";
import { projectPaths } from "../../compiler/project-paths.ts";
import { schedulesOf } from "../../domain/schedules/due-times.ts";
import { defineCommand, UsageError, type ExitCode, type CommandHost } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS, type DeploymentValues } from "../deployment.ts";
import { readNumber } from "../filter-options.ts";
import { type ListColumn, printList, timeText } from "../table.ts";

const DEFAULT_TIMES = 5;
const MAX_TIMES = 1_000;

const COLUMNS: readonly ListColumn<DeployedSchedule>[] = [
  ["task", ({ task }) => task, "shrinks"],
  ["cron", ({ cron }) => cron],
  ["timezone", ({ timezone }) => timezone],
  [
    "next",
    ({ paused, next: [first] }) =>
      paused ? { text: "paused", colour: "yellow" } : (first?.local ?? "-"),
  ],
  ["last run", ({ last_run: last }) => last?.run_id ?? "-"],
  [
    "skipped",
    ({ skipped: { count, last } }) =>
      last === null ? String(count) : `${count}, ${last.reason} ${timeText(last.due_at)}`,
  ],
];

/** `peach schedules`: shows when tasks are due. */
export const schedules = defineCommand({
  name: "schedules",
  summary: "shows when schedules are due",
  description: `Prints each schedule of peach.conf (PEACH_CONF) with its next due times, in its own
time zone and in UTC; asks no server, and exits with 1 if peach.conf has problems. With --deployed,
those of the deployment: what is paused, the last runs, what was skipped.`,
  options: {
    next: {
      takes: "N",
      help: `how many times of each, 1 to ${MAX_TIMES} (default ${DEFAULT_TIMES})`,
    },
    deployed: { help: "asks the deployment" },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help:
        '{"schedules": [{"task", "cron", "timezone", "overlap", "catch_up": {"policy", ' +
        '"window_ms"}, "next": [{"local", "utc"}]}]}, of the deployment also "paused", ' +
        '"waiting", "last_run", "skipped"',
    },
  },
  async run({ options }, host) {
    const { next: given, json } = options;
    if (options.deployed === true) return showDeployed(options, host);
    const count = readNumber("next", given, 1, MAX_TIMES) ?? DEFAULT_TIMES;
    const { compiled, diagnostics } = checkProject(
      projectPaths(host.env, host.projectRoot, host.cwd),
    );
    if (compiled === null) {
      for (const diagnostic of diagnostics) host.err(`${renderDiagnostic(diagnostic)}\n`);
      return 1;
    }
    const now = Date.now();
    const all = schedulesOf(compiled.plan).map((schedule) => ({
      task: schedule.task,
      cron: schedule.cron,
      timezone: schedule.timezone,
      overlap: schedule.overlap,
      catch_up: { policy: schedule.catchUp.policy, window_ms: schedule.catchUp.windowMs },
      next: nextTimes(schedule, now, count),
    }));
    if (json === true) host.out(JSON.stringify({ schedules: all }, null, 2));
    else if (all.length === 0) host.out("no task of peach.conf has a schedule");
    else host.out(all.map(rendered).join("\n\n"));
    return 0;
  },
});

/** Shows the deployed schedules with their state. */
async function showDeployed(
  {
    next,
    json,
    ...where
  }: DeploymentValues & { readonly next?: string | undefined; readonly json?: boolean | undefined },
  host: CommandHost,
): Promise<ExitCode> {
  if (next !== undefined)
    throw new UsageError(
      "--next is for peach.conf: a deployment tells the next five times, with --json",
    );
  const all = await connect(where, host).schedules.list({ signal: host.signal });
  printList("schedules", all, "no task that is deployed has a schedule", COLUMNS, { json }, host);
  return 0;
}

function rendered(schedule: {
  readonly task: string;
  readonly cron: string;
  readonly timezone: string;
  readonly next: readonly { readonly local: string; readonly utc: string }[];
}): string {
  const title = `${schedule.task}  ${schedule.cron}  ${schedule.timezone}`;
  return [title, ...schedule.next.map(({ local, utc }) => `  ${local}  ${utc}`)].join("\n");
}

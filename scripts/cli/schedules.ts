import { checkProject } from "../../src/conf/compile.ts";
import { renderDiagnostic } from "../../src/conf/diagnostic.ts";
import { nextTimes } from "../../src/conf/next-times.ts";
import { projectPaths } from "../../src/conf/project-paths.ts";
import { schedulesOf } from "../../src/core/schedule.ts";
import { withOptions } from "./arguments.ts";
import type { Command } from "./command.ts";

const DEFAULT_TIMES = 5;
const MAX_TIMES = 1_000;

/** `peach schedules`: when the tasks of peach.conf are due. */
export const schedules: Command = {
  summary: "shows when the schedules of peach.conf are due",
  usage: `usage: npm run peach -- schedules [--next N] [--json]

Prints each schedule of peach.conf (PEACH_CONF) with its next due times, in its own time zone and in UTC. Asks no server:
what is paused, and which runs there were, says GET /api/v1/schedules. Exits with 1 if peach.conf has problems.

  --next N   how many times of each, 1 to ${MAX_TIMES} (default ${DEFAULT_TIMES})
  --json     {"schedules": [{"task", "cron", "timezone", "overlap", "catch_up": {"policy", "window_ms"}, "next": [{"local", "utc"}]}]}`,

  run(args, surroundings) {
    const options = { next: { type: "string" }, json: { type: "boolean" } } as const;
    return withOptions(this, options, args, surroundings, async ({ next: given, json }) => {
      const count = given === undefined ? DEFAULT_TIMES : /^\d+$/.test(given) ? Number(given) : 0;
      if (count < 1 || count > MAX_TIMES) {
        surroundings.err(`--next: expected a number from 1 to ${MAX_TIMES}, given ${given}`);
        return 2;
      }
      const { compiled, diagnostics } = checkProject(
        projectPaths(surroundings.env, surroundings.repoRoot, surroundings.cwd),
      );
      if (compiled === null) {
        for (const diagnostic of diagnostics) surroundings.err(`${renderDiagnostic(diagnostic)}\n`);
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
      if (json === true) surroundings.out(JSON.stringify({ schedules: all }, null, 2));
      else if (all.length === 0) surroundings.out("no task of peach.conf has a schedule");
      else surroundings.out(all.map(rendered).join("\n\n"));
      return 0;
    });
  },
};

function rendered(schedule: {
  readonly task: string;
  readonly cron: string;
  readonly timezone: string;
  readonly next: readonly { readonly local: string; readonly utc: string }[];
}): string {
  const title = `${schedule.task}  ${schedule.cron}  ${schedule.timezone}`;
  return [title, ...schedule.next.map(({ local, utc }) => `  ${local}  ${utc}`)].join("\n");
}

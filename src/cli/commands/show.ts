import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { followRun } from "../follow.ts";
import { runIdOf } from "../run-argument.ts";
import { runLines, stackLines } from "../run-view.ts";

/** `peach show RUN`. */
export const show = defineCommand({
  name: "show",
  summary: "shows a run: its tasks, what failed, what it triggered",
  description: `Shows a run as it is now: its tasks with attempts and progress, what failed, why and
where, the runs that it triggered. RUN is an id or its beginning; without RUN it is the newest run.`,
  words: [{ name: "RUN", means: "run", optional: true }],
  options: {
    failed: { help: "the newest run that failed" },
    ...DEPLOYMENT_OPTIONS,
    json: { help: "the run's document" },
  },
  async run({ options, words: [given] }, host) {
    const { out, signal, terminal } = host;
    const peach = connect(options, host);
    const runId = await runIdOf(peach, given, signal, options);
    const run = await peach.runs.get(runId, { signal });
    out(
      options.json === true
        ? JSON.stringify(run, null, 2)
        : [...runLines(run, Date.now(), terminal), ...stackLines(run)].join("\n"),
    );
    return 0;
  },
});

/** `peach watch RUN`. */
export const watch = defineCommand({
  name: "watch",
  summary: "shows a run as it goes on",
  description: `Shows a run until it is final: in a terminal a line for each task with its progress,
elsewhere a line for each change. Exits with 1 if the run does not succeed. Ctrl-C leaves; the run
goes on. RUN is an id or its beginning; without RUN it is the newest run.`,
  words: [{ name: "RUN", means: "run", optional: true }],
  options: {
    logs: { help: "also what its tasks log, all in lines" },
    ...DEPLOYMENT_OPTIONS,
    json: { help: "each event as a line of JSON" },
  },
  async run({ options, words: [given] }, host) {
    const { logs = false, json = false } = options;
    const peach = connect(options, host);
    const runId = await runIdOf(peach, given, host.signal);
    return followRun(peach, runId, { logs, json }, host);
  },
});

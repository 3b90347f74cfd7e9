import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { followRun } from "../follow.ts";
import { runLines } from "../run-view.ts";

/** `peach show RUN`. */
export const show = defineCommand({
  name: "show",
  summary: "shows a run: its tasks, what failed, what it triggered",
  description: `Shows a run as it is now: its tasks with attempts and progress, what failed and why,
the runs that it triggered.`,
  words: [{ name: "RUN", means: "run" }],
  options: { ...DEPLOYMENT_OPTIONS, json: { help: "the run's document" } },
  async run({ options, words: [runId = ""] }, host) {
    const { out, signal, terminal } = host;
    const run = await connect(options, host).runs.get(runId, { signal });
    out(
      options.json === true
        ? JSON.stringify(run, null, 2)
        : runLines(run, Date.now(), terminal).join("\n"),
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
goes on.`,
  words: [{ name: "RUN", means: "run" }],
  options: {
    logs: { help: "also what its tasks log, all in lines" },
    ...DEPLOYMENT_OPTIONS,
    json: { help: "each event as a line of JSON" },
  },
  async run({ options, words: [runId = ""] }, host) {
    const { logs = false, json = false } = options;
    return followRun(connect(options, host), runId, { logs, json }, host);
  },
});

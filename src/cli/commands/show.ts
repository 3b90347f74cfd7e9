import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { followRun } from "../follow.ts";
import { runIdOf } from "../run-argument.ts";
import { inputText, lastLogLines } from "../run-context.ts";
import { runGraph } from "../run-graph.ts";
import { runLines, stackLines } from "../run-view.ts";

/** `peach show RUN`. */
export const show = defineCommand({
  name: "show",
  summary: "shows a run: its tasks, what failed, what it triggered",
  description: `Shows a run as it is now: its input, its time at work and of waits, its tasks with
attempts and progress, who retried, cancelled, completed or paused it, what failed, why and where, the last lines of its log, the runs that it triggered. RUN is an id or its beginning; without RUN it is the newest run.`,
  words: [{ name: "RUN", means: "run", optional: true }],
  options: {
    failed: { help: "the newest run that failed" },
    graph: { help: "also a drawing of its tasks, with the status of each" },
    ...DEPLOYMENT_OPTIONS,
    json: { help: "the run's document" },
  },
  async run({ options, words: [given] }, host) {
    const { out, signal, terminal } = host;
    const peach = connect(options, host);
    const runId = await runIdOf(peach, given, signal, options);
    const run = await peach.runs.get(runId, { signal });
    if (options.json === true) {
      out(JSON.stringify(run, null, 2));
      return 0;
    }
    const input = await inputText(peach, runId, signal);
    const logs = await lastLogLines(peach, run, signal);
    const lines = [
      ...runLines(run, Date.now(), terminal, input),
      ...(options.graph === true ? ["", runGraph(run, terminal)] : []),
      ...stackLines(run, logs),
    ];
    out(lines.join("\n"));
    return 0;
  },
});

/** `peach watch RUN`. */
export const watch = defineCommand({
  name: "watch",
  summary: "shows a run as it goes on",
  description: `Shows a run until it is final: in a terminal a line for each task with its progress,
and the last line that it has logged, elsewhere a line for each change and each line of the log. Exits with 1 if the run does not succeed. Ctrl-C leaves; the run
goes on. RUN is an id or its beginning; without RUN it is the newest run.`,
  words: [{ name: "RUN", means: "run", optional: true }],
  options: {
    logs: { help: "all in lines, also in a terminal, with each line that its tasks log" },
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

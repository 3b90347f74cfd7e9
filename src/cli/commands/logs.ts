import type { LogPage } from "../../client/client.ts";
import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS, type AnyClient } from "../deployment.ts";
import { readNumber } from "../filter-options.ts";
import { logText } from "../log-line.ts";
import { runIdOf } from "../run-argument.ts";
import { PEACH } from "../../compiler/peach-command.ts";

/** The number of lines in a call. */
const PAGE = 200;
const MAX_ITEM = 9_999;

/** `peach logs RUN [TASK]`. */
export const logs = defineCommand({
  name: "logs",
  summary: "shows what the tasks of a run have logged",
  description: `Shows the log lines of a run's tasks, or of one of them, by time. RUN is an id or
its beginning; without RUN it is the newest run. Items of a task with each have logs of their own. \`watch --logs\` shows lines as they come.`,
  words: [
    { name: "RUN", means: "run", optional: true },
    { name: "TASK", means: "task", optional: true },
  ],
  options: {
    attempt: { takes: "N", help: "only of this attempt" },
    item: { takes: "N", help: "only of this item, from 0, of a task with each; needs TASK" },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help: '{"logs": [{"task", "at", "attempt", "level", "message", "fields"}], "dropped"}',
    },
  },
  async run({ options, words: [given, task] }, host) {
    const { out, err, signal } = host;
    const attempt = readNumber("attempt", options.attempt, 1, 1_000_000);
    const item = readNumber("item", options.item, 0, MAX_ITEM);
    if (item !== undefined && task === undefined)
      throw new UsageError("--item needs the name of the task");
    const peach = connect(options, host);
    const runId = await runIdOf(peach, given, signal);
    const run = task === undefined ? await peach.runs.get(runId, { signal }) : null;
    const tasks = run === null ? [task ?? ""] : run.tasks.map((entry) => entry.task);
    const lines = [];
    let dropped = 0;
    for (const name of tasks) {
      for await (const page of logPages(peach, runId, name, { attempt, item, signal })) {
        lines.push(...page.logs.map((line) => ({ task: name, ...line })));
        dropped += page.dropped;
      }
    }
    lines.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    if (options.json === true) out(JSON.stringify({ logs: lines, dropped }, null, 2));
    else {
      for (const line of lines) out(logText(line));
      if (dropped > 0) err(`${dropped} lines are missing: an attempt keeps 1,000 lines, 64 KiB`);
      if (lines.length === 0) err("nothing was logged");
      for (const { task: name, each } of run?.tasks ?? [])
        if (each !== undefined) err(itemsHint(runId, name, each));
    }
    return 0;
  },
});

/** Says how the logs of items are shown; of failed items it also says how they are found. */
function itemsHint(runId: string, task: string, { failed }: { readonly failed: number }): string {
  const log = `items of ${task} have logs of their own: ${PEACH} logs ${runId} ${task} --item N`;
  if (failed === 0) return log;
  return `${log}; ${failed} failed: ${PEACH} items ${runId} ${task} --status failed`;
}

/** Reads the log of a task page by page. */
async function* logPages(
  peach: AnyClient,
  runId: string,
  task: string,
  options: {
    readonly attempt: number | undefined;
    readonly item: number | undefined;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<LogPage> {
  let cursor: string | undefined;
  do {
    const page = await peach.runs.logs(runId, task, { ...options, limit: PAGE, cursor });
    yield page;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

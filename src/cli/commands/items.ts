import type { ItemPage } from "../../client/client.ts";
import { TASK_STATUSES } from "../../domain/statuses.ts";
import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { readNumber } from "../filter-options.ts";
import { runIdOf } from "../run-argument.ts";
import { firstEntries } from "../pages.ts";
import { type ListColumn, printList, sizeText, statusCell } from "../table.ts";

/** The maximum number of items of a task. */
const MAX_ITEMS = 10_000;

const COLUMNS: readonly ListColumn<ItemPage["items"][number]>[] = [
  ["item", ({ index }) => String(index)],
  ["status", ({ status }) => statusCell(status)],
  ["attempts", ({ attempts }) => String(attempts.length)],
  ["passed", ({ output }) => (output === null ? "" : `${output.kind}, ${sizeText(output.size)}`)],
  ["error", errorText, "shrinks"],
];

/** `peach items RUN TASK`. */
export const items = defineCommand({
  name: "items",
  summary: "lists the items of a task with each",
  description: `Lists the items of a task with each: how they ended, after how many attempts, and
with which error.`,
  words: [
    { name: "RUN", means: "run" },
    { name: "TASK", means: "task" },
  ],
  options: {
    status: { takes: "STATUS", values: TASK_STATUSES, help: "only those" },
    limit: { takes: "N", help: `how many, 1 to ${MAX_ITEMS} (default 50)` },
    ...DEPLOYMENT_OPTIONS,
    json: { help: '{"items": [{"index", "status", "reason", "attempts", "output"}]}' },
  },
  async run({ options, words: [given, task = ""] }, host) {
    const { signal } = host;
    const limit = readNumber("limit", options.limit, 1, MAX_ITEMS) ?? 50;
    const status = TASK_STATUSES.find((one) => one === options.status);
    const peach = connect(options, host);
    const { runs } = peach;
    const runId = await runIdOf(peach, given, signal);
    const { entries: found } = await firstEntries(limit, 200, async (size) => {
      const page = await runs.items(runId, task, { status, ...size, signal });
      return { entries: page.items, next: page.next_cursor };
    });
    if (found.length === 0 && options.json !== true) {
      const known = (await runs.get(runId, { signal })).tasks.find((one) => one.task === task);
      // A task with each has no items before its array is known.
      const hasEach = known?.each !== undefined || known?.attempts.length === 0;
      if (!hasEach) {
        host.err(`${task} has no items: each is not set for this task`);
        return 1;
      }
    }
    printList("items", found, "there are no such items", COLUMNS, options, host);
    return 0;
  },
});

function errorText({ attempts, reason }: ItemPage["items"][number]): string {
  const error = attempts.at(-1)?.error ?? null;
  return error === null ? (reason ?? "") : `${error.name}: ${error.message}`;
}

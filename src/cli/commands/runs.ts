import type { RunCounts } from "../../client/client.ts";
import { defineCommand, UsageError, type Terminal } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { FILTER_OPTIONS, readFilter, readNumber } from "../filter-options.ts";
import { firstEntries } from "../pages.ts";
import { RUN_COLUMNS } from "../run-view.ts";
import { listLines, printList, statusCell } from "../table.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100_000;

/** `peach runs`. */
export const runs = defineCommand({
  name: "runs",
  summary: "lists runs, newest first",
  description: `Lists runs, newest first; counts them by status; or shows them as they are triggered
and change.`,
  options: {
    ...FILTER_OPTIONS,
    key: { takes: "KEY", help: "the run that this idempotency key started; needs --task" },
    limit: { takes: "N", help: `how many, 1 to ${MAX_LIMIT} (default ${DEFAULT_LIMIT})` },
    count: { help: "only how many there are" },
    follow: {
      help:
        "shows each run that is triggered or changes status from now on; of the filters, " +
        "takes --task",
    },
    ...DEPLOYMENT_OPTIONS,
    json: { help: '{"runs": [...]}, {"counts", "total"}, or with --follow a line for each run' },
  },
  async run({ options }, host) {
    const { count = false, follow = false, json = false, task, key } = options;
    const { out, signal, terminal } = host;
    const filter = readFilter(options, Date.now()) ?? {};
    const limit = readNumber("limit", options.limit, 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
    if (key !== undefined && task === undefined)
      throw new UsageError("--key needs --task: a key belongs to its task");
    const peach = connect(options, host);
    if (follow) {
      for await (const event of untilAborted(peach.runs.feed({ task, signal }), signal)) {
        if (json) out(JSON.stringify(event.type === "run" ? event.run : event));
        else if (event.type === "run")
          out(listLines([event.run], RUN_COLUMNS, terminal).slice(1).join(""));
        else host.err("some changes were missed: the connection was away for too long");
      }
      return 0;
    }
    if (count) {
      const counted = await peach.runs.count({ ...filter, signal });
      out(json ? JSON.stringify(counted, null, 2) : countTable(counted, terminal).join("\n"));
      return 0;
    }
    const { entries: found, next } = await firstEntries(limit, 200, async (size) => {
      const page = await peach.runs.list({ ...filter, idempotencyKey: key, ...size, signal });
      return { entries: page.runs, next: page.next_cursor };
    });
    printList("runs", found, "there are no such runs", RUN_COLUMNS, options, host);
    if (next !== null && !json) host.err(`there are more: --limit ${limit * 10}`);
    return 0;
  },
});

function countTable({ counts, total }: RunCounts, terminal: Terminal): string[] {
  return listLines(
    [...Object.entries(counts), ["total", total] as const],
    [
      ["status", ([status]) => statusCell(status)],
      ["runs", ([, count]) => String(count)],
    ],
    terminal,
  );
}

/** Yields items until the signal is aborted, which is no error: the user has seen enough. */
async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

import type { LimitState } from "../../client/client.ts";
import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { durationText, type ListColumn, printList } from "../table.ts";

const COLUMNS: readonly ListColumn<LimitState>[] = [
  ["task", ({ task }) => task, "shrinks"],
  ["kind", ({ kind }) => kind],
  ["key", ({ key }) => key ?? "", "shrinks"],
  [
    "limit",
    ({ limit, per_ms: perMs }) =>
      perMs === null ? String(limit) : `${limit} per ${durationText(perMs)}`,
  ],
  [
    "in use",
    ({ in_use: inUse, limit }) => ({
      text: String(inUse),
      colour: inUse >= limit ? "yellow" : undefined,
    }),
  ],
  ["waiting", ({ waiting }) => String(waiting)],
];

/** `peach limits`. */
export const limits = defineCommand({
  name: "limits",
  summary: "shows how much of each limit is in use",
  description: `Shows of each task with concurrency or rate_limit, and of each key in use, how much
of it is taken and what waits for it.`,
  options: {
    ...DEPLOYMENT_OPTIONS,
    json: { help: '{"limits": [{"task", "kind", "key", "limit", "per_ms", "in_use", "waiting"}]}' },
  },
  async run({ options }, host) {
    const all = await connect(options, host).limits({ signal: host.signal });
    printList("limits", all, "no limit is in use", COLUMNS, options, host);
    return 0;
  },
});

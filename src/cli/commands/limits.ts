import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { durationText, tableLines } from "../table.ts";

/** `peach limits`. */
export const limits = defineCommand({
  name: "limits",
  summary: "shows how much of each limit is in use",
  description:
    "Shows of each task with concurrency or rate_limit, and of each key in use, how much of it is taken and what waits for it.",
  options: {
    ...DEPLOYMENT_OPTIONS,
    json: { help: '{"limits": [{"task", "kind", "key", "limit", "per_ms", "in_use", "waiting"}]}' },
  },
  async run({ options }, host) {
    const { out, signal, terminal } = host;
    const all = await connect(options, host).limits({ signal });
    if (options.json === true) out(JSON.stringify({ limits: all }, null, 2));
    else if (all.length === 0) out("no limit is in use");
    else {
      const columns = [
        { title: "task", shrinks: true },
        { title: "kind" },
        { title: "key", shrinks: true },
        { title: "limit" },
        { title: "in use" },
        { title: "waiting" },
      ];
      const rows = all.map(({ task, kind, key, limit, per_ms: perMs, in_use: inUse, waiting }) => [
        task,
        kind,
        key ?? "",
        perMs === null ? String(limit) : `${limit} per ${durationText(perMs)}`,
        { text: String(inUse), colour: inUse >= limit ? ("yellow" as const) : undefined },
        String(waiting),
      ]);
      out(tableLines(columns, rows, terminal).join("\n"));
    }
    return 0;
  },
});

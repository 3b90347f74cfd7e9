import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { readNumber, readTime } from "../filter-options.ts";
import { firstEntries } from "../pages.ts";
import { tableLines, timeText } from "../table.ts";

/** `peach audit`. */
export const audit = defineCommand({
  name: "audit",
  summary: "shows who did what: changes, triggers, log-ins, completions, and who was refused",
  description: "Lists who did what, newest first. Entries are kept for a year.",
  options: {
    who: {
      takes: "NAME",
      help: "only of this token; nobody: of those who could not say who they are",
    },
    what: { takes: "CALL", help: "only such calls, as in the column `what`" },
    since: { takes: "TIME", help: "only since: a duration ago (2h, 7d), or a time in ISO 8601" },
    limit: { takes: "N", help: "how many to list, 1 to 10000 (default 50)" },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help: '{"entries": [{"at", "who", "what", "on", "status", "from", "request_id", ...}]}',
    },
  },
  async run({ options }, host) {
    const { out, signal, terminal } = host;
    const { who, what } = options;
    const limit = readNumber("limit", options.limit, 1, 10_000) ?? 50;
    const since = readTime("since", options.since, Date.now());
    const peach = connect(options, host);
    const { entries } = await firstEntries(limit, 500, async (size) => {
      const page = await peach.audit({ who, what, since, ...size, signal });
      return { entries: page.entries, next: page.next_cursor };
    });
    if (options.json === true) out(JSON.stringify({ entries }, null, 2));
    else if (entries.length === 0) out("there is nothing");
    else {
      const columns = [
        { title: "at" },
        { title: "who" },
        { title: "what" },
        { title: "on", shrinks: true },
        { title: "status" },
        { title: "from" },
        { title: "times" },
      ];
      const rows = entries.map(({ at, who: name, what: call, on, status, from, count }) => [
        timeText(at),
        name,
        call,
        on,
        { text: String(status), colour: status < 400 ? ("green" as const) : ("red" as const) },
        from,
        count === 1 ? "" : String(count),
      ]);
      out(tableLines(columns, rows, terminal).join("\n"));
    }
    return 0;
  },
});

import type { AuditEntry } from "../../client/client.ts";
import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { readNumber, readTime } from "../filter-options.ts";
import { firstEntries } from "../pages.ts";
import { type ListColumn, printList, timeText } from "../table.ts";

const COLUMNS: readonly ListColumn<AuditEntry>[] = [
  ["at", ({ at }) => timeText(at)],
  ["who", ({ who }) => who],
  ["what", ({ what }) => what],
  ["on", ({ on }) => on, "shrinks"],
  ["status", ({ status }) => ({ text: String(status), colour: status < 400 ? "green" : "red" })],
  ["from", ({ from }) => from],
  ["times", ({ count }) => (count === 1 ? "" : String(count))],
];

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
    const { signal } = host;
    const { who, what } = options;
    const limit = readNumber("limit", options.limit, 1, 10_000) ?? 50;
    const since = readTime("since", options.since, Date.now());
    const peach = connect(options, host);
    const { entries } = await firstEntries(limit, 500, async (size) => {
      const page = await peach.audit({ who, what, since, ...size, signal });
      return { entries: page.entries, next: page.next_cursor };
    });
    printList("entries", entries, "there is nothing", COLUMNS, options, host);
    return 0;
  },
});

import type { DeadLetter } from "../../client/client.ts";
import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { readNumber } from "../filter-options.ts";
import { firstEntries } from "../pages.ts";
import { actionOf, changeEach } from "../partial-failure.ts";
import { type ListColumn, printList, timeText } from "../table.ts";

const ACTIONS = ["list", "redrive", "delete"] as const;

const COLUMNS: readonly ListColumn<DeadLetter>[] = [
  ["id", (letter) => letter.id],
  ["queue", (letter) => letter.queue],
  ["reason", (letter) => ({ text: letter.reason, colour: "red" })],
  ["received", (letter) => timeText(letter.received_at)],
  ["tries", (letter) => String(letter.attempts)],
  ["detail", (letter) => letter.detail ?? "", "shrinks"],
];

/** `peach dead-letters [list|redrive|delete] [ID...]`. */
export const deadLetters = defineCommand({
  name: "dead-letters",
  summary: "lists the queue messages that could not be processed, and tries them again",
  description: `Lists the queue messages that could not be processed, with the reason;
\`dead-letters redrive ID...\` gives them another try, \`dead-letters delete ID...\` forgets them.
Exits with 1 if one fails again.`,
  words: [
    { name: ACTIONS.join("|"), means: "text", optional: true },
    { name: "ID", means: "text", optional: true, several: true },
  ],
  options: {
    limit: { takes: "N", help: "how many to list, 1 to 10000 (default 50)" },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help:
        '{"dead_letters": [...]}, or {"redriven": [{"id", "runs"}]} or {"deleted": [id]}, ' +
        'each with "refused": [{"id", "code", "detail"}]',
    },
  },
  async run({ options, words: [given = "list", ...ids] }, host) {
    const { out, signal } = host;
    const { json = false } = options;
    const action = actionOf(ACTIONS, given);
    if ((action === "list") !== (ids.length === 0))
      throw new UsageError(
        action === "list" ? "list takes no ids" : `name the dead letters to ${action}`,
      );
    const { deadLetters: calls } = connect(options, host);
    if (action === "list") {
      const limit = readNumber("limit", options.limit, 1, 10_000) ?? 50;
      const { entries: found } = await firstEntries(limit, 200, async (size) => {
        const page = await calls.list({ ...size, signal });
        return { entries: page.dead_letters, next: page.next_cursor };
      });
      printList("dead_letters", found, "there are none", COLUMNS, options, host);
      return 0;
    }
    if (action === "delete") {
      const { names, refused } = await changeEach(ids, "id", "is deleted", json, host, (id) =>
        calls.delete(id, { signal }),
      );
      if (json) out(JSON.stringify({ deleted: names, refused }, null, 2));
      return refused.length === 0 ? 0 : 1;
    }
    const { answers, refused } = await changeEach(ids, "id", "is tried again", json, host, (id) =>
      calls.redrive(id, { signal }),
    );
    if (json) out(JSON.stringify({ redriven: answers, refused }, null, 2));
    else for (const { runs } of answers) for (const run of runs) out(`${run.run_id} ${run.task}`);
    return refused.length === 0 ? 0 : 1;
  },
});

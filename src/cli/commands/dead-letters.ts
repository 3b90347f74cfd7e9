import type { DeadLetter, RunReference } from "../../client/client.ts";
import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { readNumber } from "../filter-options.ts";
import { firstEntries } from "../pages.ts";
import { partialFailureOf, type PartialFailure } from "../partial-failure.ts";
import { tableLines, timeText } from "../table.ts";

const ACTIONS = ["list", "redrive", "delete"] as const;

/** `peach dead-letters [list|redrive|delete] [ID...]`. */
export const deadLetters = defineCommand({
  name: "dead-letters",
  summary: "lists the queue messages that could not be processed, and tries them again",
  description: `Lists the queue messages that could not be processed, with the reason; \`dead-letters redrive ID...\` gives them another try,
\`dead-letters delete ID...\` forgets them. Exits with 1 if one fails again.`,
  words: [
    { name: ACTIONS.join("|"), means: "text", optional: true },
    { name: "ID", means: "text", optional: true, several: true },
  ],
  options: {
    limit: { takes: "N", help: "how many to list, 1 to 10000 (default 50)" },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help: '{"dead_letters": [...]}, or {"redriven": [{"id", "runs"}]} or {"deleted": [id]}, each with "refused": [{"id", "code", "detail"}]',
    },
  },
  async run({ options, words: [given = "list", ...ids] }, host) {
    const { out, err, signal, terminal } = host;
    const { json = false } = options;
    const action = ACTIONS.find((one) => one === given);
    if (action === undefined)
      throw new UsageError(`expected one of ${ACTIONS.join(", ")}, given ${given}`);
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
      if (json) out(JSON.stringify({ dead_letters: found }, null, 2));
      else if (found.length === 0) out("there are none");
      else out(table(found, terminal).join("\n"));
      return 0;
    }
    const redriven: { readonly id: string; readonly runs: readonly RunReference[] }[] = [];
    const deleted: string[] = [];
    const refused: (PartialFailure & { readonly id: string })[] = [];
    for (const id of ids) {
      try {
        if (action === "redrive") redriven.push(await calls.redrive(id, { signal }));
        else await calls.delete(id, { signal });
      } catch (error) {
        const refusal = partialFailureOf(error, ids);
        refused.push({ id, ...refusal });
        if (!json) err(`${id} is refused: ${refusal.detail}`);
        continue;
      }
      if (action === "delete") deleted.push(id);
      if (!json) err(`${id} ${action === "redrive" ? "is tried again" : "is deleted"}`);
    }
    if (json)
      out(
        JSON.stringify(
          { ...(action === "redrive" ? { redriven } : { deleted }), refused },
          null,
          2,
        ),
      );
    else for (const { runs } of redriven) for (const run of runs) out(`${run.run_id} ${run.task}`);
    return refused.length === 0 ? 0 : 1;
  },
});

function table(
  letters: readonly DeadLetter[],
  terminal: Parameters<typeof tableLines>[2],
): string[] {
  const columns = [
    { title: "id" },
    { title: "queue" },
    { title: "reason" },
    { title: "received" },
    { title: "tries" },
    { title: "detail", shrinks: true },
  ];
  const rows = letters.map((letter) => [
    letter.id,
    letter.queue,
    { text: letter.reason, colour: "red" as const },
    timeText(letter.received_at),
    String(letter.attempts),
    letter.detail ?? "",
  ]);
  return tableLines(columns, rows, terminal);
}

import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { partialFailureOf, type PartialFailure } from "../partial-failure.ts";
import { tableLines, timeText } from "../table.ts";

const ACTIONS = ["list", "end"] as const;

/** `peach sessions [list|end] [ID...]`. */
export const sessions = defineCommand({
  name: "sessions",
  summary: "lists who is logged in to the dashboard, and logs them out; for admins",
  description: `Lists the sessions of the dashboard that are not over, with the token that each was begun with and the address of its browser.
\`sessions end ID...\` ends them within 5 seconds. The sessions of a token end with it: \`tokens delete NAME\`.`,
  words: [
    { name: ACTIONS.join("|"), means: "text", optional: true },
    { name: "ID", means: "text", optional: true, several: true },
  ],
  options: {
    ...DEPLOYMENT_OPTIONS,
    json: {
      help: '{"sessions": [{"id", "token", "from", "created_at", ...}]}, or {"ended": [id], "refused": [{"id", "code", "detail"}]}',
    },
  },
  async run({ options, words: [given = "list", ...ids] }, host) {
    const { out, err, signal, terminal } = host;
    const { json = false } = options;
    const action = ACTIONS.find((one) => one === given);
    if (action === undefined)
      throw new UsageError(`expected one of ${ACTIONS.join(", ")}, given ${given}`);
    if (action === "list" && ids.length > 0) throw new UsageError("list takes no ids");
    if (action === "end" && ids.length === 0)
      throw new UsageError("name the session to end, by its id: `sessions` lists them");
    const { sessions: calls } = connect(options, host);
    if (action === "end") {
      const ended: string[] = [];
      const refused: (PartialFailure & { readonly id: string })[] = [];
      for (const id of ids) {
        try {
          await calls.end(id, { signal });
          ended.push(id);
          if (!json) err(`${id} has ended`);
        } catch (error) {
          const refusal = partialFailureOf(error, ids);
          refused.push({ id, ...refusal });
          if (!json) err(`${id} is refused: ${refusal.detail}`);
        }
      }
      if (json) out(JSON.stringify({ ended, refused }, null, 2));
      return refused.length === 0 ? 0 : 1;
    }
    const listed = await calls.list({ signal });
    if (json) out(JSON.stringify({ sessions: listed }, null, 2));
    else if (listed.length === 0) out("nobody is logged in");
    else {
      const columns = ["id", "token", "from", "began", "last seen", "ends at the latest"].map(
        (title) => ({ title }),
      );
      const rows = listed.map(
        ({ id, token, from, created_at: began, last_seen_at: seen, expires_at: ends }) => [
          id,
          token,
          from,
          ...[began, seen, ends].map(timeText),
        ],
      );
      out(tableLines(columns, rows, terminal).join("\n"));
    }
    return 0;
  },
});

import { defineCommand, UsageError } from "./command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "./deployment.ts";
import { tableLines, timeText } from "./table.ts";

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
    json: { help: '{"sessions": [{"id", "token", "from", "created_at", ...}]}, or {"ended": [id]}' },
  },
  async run({ options, words: [given = "list", ...ids] }, surroundings) {
    const { out, err, signal, terminal } = surroundings;
    const { json = false } = options;
    const action = ACTIONS.find((one) => one === given);
    if (action === undefined) throw new UsageError(`expected one of ${ACTIONS.join(", ")}, given ${given}`);
    if (action === "list" && ids.length > 0) throw new UsageError("list takes no ids");
    if (action === "end" && ids.length === 0)
      throw new UsageError("name the session to end, by its id: `sessions` lists them");
    const { sessions: calls } = connect(options, surroundings);
    if (action === "end") {
      for (const id of ids) {
        await calls.end(id, { signal });
        if (!json) err(`${id} has ended`);
      }
      if (json) out(JSON.stringify({ ended: ids }, null, 2));
      return 0;
    }
    const listed = await calls.list({ signal });
    if (json) out(JSON.stringify({ sessions: listed }, null, 2));
    else if (listed.length === 0) out("nobody is logged in");
    else {
      const columns = ["id", "token", "from", "began", "last seen", "ends at the latest"].map((title) => ({ title }));
      const rows = listed.map(({ id, token, from, created_at: began, last_seen_at: seen, expires_at: ends }) => [
        id,
        token,
        from,
        ...[began, seen, ends].map(timeText),
      ]);
      out(tableLines(columns, rows, terminal).join("\n"));
    }
    return 0;
  },
});

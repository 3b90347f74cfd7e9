import type { ListedSession } from "../../client/client.ts";
import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { actionOf, changeEach } from "../partial-failure.ts";
import { type ListColumn, printList, timeText } from "../table.ts";

const ACTIONS = ["list", "end"] as const;

const COLUMNS: readonly ListColumn<ListedSession>[] = [
  ["id", ({ id }) => id],
  ["token", ({ token }) => token],
  ["from", ({ from }) => from],
  ["began", (session) => timeText(session.created_at)],
  ["last seen", (session) => timeText(session.last_seen_at)],
  ["ends at the latest", (session) => timeText(session.expires_at)],
];

/** `peach sessions [list|end] [ID...]`. */
export const sessions = defineCommand({
  name: "sessions",
  summary: "lists who is logged in to the dashboard, and logs them out; for admins",
  description: `Lists the sessions of the dashboard that are not over, with the token that each was
begun with and the address of its browser. \`sessions end ID...\` ends them within 5 seconds. The
sessions of a token end with it: \`tokens delete NAME\`.`,
  words: [
    { name: ACTIONS.join("|"), means: "text", optional: true },
    { name: "ID", means: "text", optional: true, several: true },
  ],
  options: {
    ...DEPLOYMENT_OPTIONS,
    json: {
      help:
        '{"sessions": [{"id", "token", "from", "created_at", ...}]}, or {"ended": [id], ' +
        '"refused": [{"id", "code", "detail"}]}',
    },
  },
  async run({ options, words: [given = "list", ...ids] }, host) {
    const { out, signal } = host;
    const { json = false } = options;
    const action = actionOf(ACTIONS, given);
    if (action === "list" && ids.length > 0) throw new UsageError("list takes no ids");
    if (action === "end" && ids.length === 0)
      throw new UsageError("name the session to end, by its id: `sessions` lists them");
    const { sessions: calls } = connect(options, host);
    if (action === "end") {
      const { names, refused } = await changeEach(ids, "id", "has ended", json, host, (id) =>
        calls.end(id, { signal }),
      );
      if (json) out(JSON.stringify({ ended: names, refused }, null, 2));
      return refused.length === 0 ? 0 : 1;
    }
    const listed = await calls.list({ signal });
    printList("sessions", listed, "nobody is logged in", COLUMNS, options, host);
    return 0;
  },
});

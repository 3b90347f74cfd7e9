import type { ListedToken } from "../../client/client.ts";
import { nearest } from "../../domain/nearest.ts";
import { parseScope } from "../../domain/scope.ts";
import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { actionOf, changeEach } from "../partial-failure.ts";
import { type Cell, type ListColumn, printList, timeText } from "../table.ts";

const ACTIONS = ["list", "create", "delete"] as const;

const COLUMNS: readonly ListColumn<ListedToken>[] = [
  ["name", ({ name }) => name],
  ["scopes", ({ scopes }) => scopes.join(", "), "shrinks"],
  ["created", ({ created_at: at }) => (at === null ? "configured" : timeText(at))],
  ["last used", lastUse],
  ["expires", expiry],
];

/** `peach tokens [list|create|delete] [NAME...]`. */
export const tokens = defineCommand({
  name: "tokens",
  summary: "lists the API tokens, makes them and ends them; for admins",
  description: `Lists the API tokens with what they may do and when they were used last. \`tokens
create NAME --scopes read,trigger\` makes one and prints it, this once; \`tokens delete NAME...\`
ends them within 5 seconds, with the sessions that they began.`,
  words: [
    { name: ACTIONS.join("|"), means: "text", optional: true },
    { name: "NAME", means: "text", optional: true, several: true },
  ],
  options: {
    scopes: {
      takes: "SCOPES",
      help: "what it may do, comma separated: read, trigger, trigger:TASK+TASK, operate, admin",
    },
    "expires-in": {
      takes: "DURATION",
      help: "how long it is good for, such as 30d (default: until it is deleted)",
    },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help:
        '{"tokens": [...]}, or {"name", "scopes", "expires_at", "token"}, or {"deleted": ' +
        '[name], "refused": [{"name", "code", "detail"}]}',
    },
  },
  async run({ options, words: [given = "list", ...names] }, host) {
    const { out, err, signal } = host;
    const { json = false, scopes, "expires-in": expiresIn } = options;
    const action = actionOf(ACTIONS, given);
    if (action !== "create" && (scopes !== undefined || expiresIn !== undefined))
      throw new UsageError("--scopes and --expires-in are for `tokens create`");
    const [name] = names;
    if (action === "list" && name !== undefined) throw new UsageError("list takes no names");
    if (action !== "list" && name === undefined)
      throw new UsageError(`name the token to ${action}`);
    const { tokens: calls } = connect(options, host);
    if (action === "create" && name !== undefined) {
      if (names.length > 1) throw new UsageError("one token is made at a time");
      if (scopes === undefined)
        throw new UsageError("--scopes is missing: say what it may do, such as --scopes trigger");
      const list = scopes.split(",").map((scope) => scope.trim());
      const wrong = list.find((scope) => parseScope(scope) === null);
      if (wrong !== undefined) throw new UsageError(wrongScope(wrong));
      const created = await calls.create(name, { scopes: list, expiresIn, signal });
      if (json) out(JSON.stringify(created, null, 2));
      else {
        out(created.token);
        const until =
          created.expires_at === null
            ? "until it is deleted"
            : `until ${timeText(created.expires_at)}`;
        err(
          `"${created.name}" may ${created.scopes.join(", ")}, ${until}. It is shown this ` +
            `once: keep it now.`,
        );
      }
      return 0;
    }
    if (action === "delete") {
      const { names: deleted, refused } = await changeEach(
        names,
        "name",
        "has ended",
        json,
        host,
        (one) => calls.delete(one, { signal }),
      );
      if (json) out(JSON.stringify({ deleted, refused }, null, 2));
      return refused.length === 0 ? 0 : 1;
    }
    const listed = await calls.list({ signal });
    printList("tokens", listed, "there are none", COLUMNS, options, host);
    return 0;
  },
});

/** Says what a scope may be, and which one is probably meant. */
function wrongScope(given: string): string {
  const near = nearest(given.split(":")[0] ?? "", ["read", "trigger", "operate", "admin"]);
  const meant = near === null || near === given ? "" : `; did you mean \`${near}\`?`;
  return `--scopes: expected read, trigger, trigger:TASK+TASK, operate or admin, given ${given}${meant}`;
}

function lastUse({ configured, last_used_at: used }: ListedToken): string {
  if (used !== null) return timeText(used);
  return configured ? "" : "never";
}

function expiry({ configured, expires_at: expires }: ListedToken): Cell | string {
  if (expires === null) return configured ? "" : "never";
  const isOver = Date.parse(expires) <= Date.now();
  return { text: timeText(expires), colour: isOver ? "red" : undefined };
}

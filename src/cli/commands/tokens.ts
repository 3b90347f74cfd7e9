import type { ListedToken } from "../../client/client.ts";
import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { partialFailureOf, type PartialFailure } from "../partial-failure.ts";
import { tableLines, timeText } from "../table.ts";

const ACTIONS = ["list", "create", "delete"] as const;

/** `peach tokens [list|create|delete] [NAME...]`. */
export const tokens = defineCommand({
  name: "tokens",
  summary: "lists the API tokens, makes them and ends them; for admins",
  description: `Lists the API tokens with what they may do and when they were used last. \`tokens create NAME --scopes read,trigger\` makes one and
prints it, this once; \`tokens delete NAME...\` ends them within 5 seconds, with the sessions that they began.`,
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
      help: '{"tokens": [...]}, or {"name", "scopes", "expires_at", "token"}, or {"deleted": [name], "refused": [{"name", "code", "detail"}]}',
    },
  },
  async run({ options, words: [given = "list", ...names] }, host) {
    const { out, err, signal, terminal } = host;
    const { json = false, scopes, "expires-in": expiresIn } = options;
    const action = ACTIONS.find((one) => one === given);
    if (action === undefined)
      throw new UsageError(`expected one of ${ACTIONS.join(", ")}, given ${given}`);
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
      const created = await calls.create(name, { scopes: list, expiresIn, signal });
      if (json) out(JSON.stringify(created, null, 2));
      else {
        out(created.token);
        const until =
          created.expires_at === null
            ? "until it is deleted"
            : `until ${timeText(created.expires_at)}`;
        err(
          `"${created.name}" may ${created.scopes.join(", ")}, ${until}. It is shown this once: keep it now.`,
        );
      }
      return 0;
    }
    if (action === "delete") {
      const deleted: string[] = [];
      const refused: (PartialFailure & { readonly name: string })[] = [];
      for (const one of names) {
        try {
          await calls.delete(one, { signal });
          deleted.push(one);
          if (!json) err(`"${one}" has ended`);
        } catch (error) {
          const refusal = partialFailureOf(error, names);
          refused.push({ name: one, ...refusal });
          if (!json) err(`"${one}" is refused: ${refusal.detail}`);
        }
      }
      if (json) out(JSON.stringify({ deleted, refused }, null, 2));
      return refused.length === 0 ? 0 : 1;
    }
    const listed = await calls.list({ signal });
    if (json) out(JSON.stringify({ tokens: listed }, null, 2));
    else if (listed.length === 0) out("there are none");
    else out(table(listed, terminal).join("\n"));
    return 0;
  },
});

function table(
  listed: readonly ListedToken[],
  terminal: Parameters<typeof tableLines>[2],
): string[] {
  const columns = [
    { title: "name" },
    { title: "scopes", shrinks: true },
    { title: "created" },
    { title: "last used" },
    { title: "expires" },
  ];
  const rows = listed.map(
    ({
      name,
      scopes,
      configured,
      created_at: created,
      last_used_at: used,
      expires_at: expires,
    }) => [
      name,
      scopes.join(", "),
      created === null ? "configured" : timeText(created),
      used === null ? (configured ? "" : "never") : timeText(used),
      expires === null
        ? configured
          ? ""
          : "never"
        : {
            text: timeText(expires),
            colour: Date.parse(expires) <= Date.now() ? ("red" as const) : undefined,
          },
    ],
  );
  return tableLines(columns, rows, terminal);
}

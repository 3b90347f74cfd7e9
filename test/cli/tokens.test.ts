import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problem, serve, type Answer } from "../client/scripted-server.ts";
import { commandLine } from "../scripts/command-line.ts";

const TOKENS = {
  tokens: [
    {
      name: "api",
      scopes: ["admin"],
      configured: true,
      created_at: null,
      created_by: null,
      last_used_at: null,
      expires_at: null,
    },
    {
      name: "shop",
      scopes: ["read", "trigger:order"],
      configured: false,
      created_at: "2026-11-01T10:00:00.000Z",
      created_by: "api",
      last_used_at: null,
      expires_at: "2026-11-02T10:00:00.000Z",
    },
  ],
};

async function tokens(line: string, ...answers: readonly Answer[]) {
  const { url, asked } = await serve(...answers);
  const env = { PEACH_URL: url, PEACH_API_TOKEN: "t" };
  const { code, out, err } = await commandLine(["tokens", ...line.split(" ").filter(Boolean)], { env });
  return {
    code,
    out,
    err,
    asked: asked.map(({ method, path, body }) => `${method} ${path} ${body.toString()}`.trim()),
  };
}

describe("peach tokens", () => {
  it.each(["", "list"])("%s lists them with what is known of each", async (line) => {
    const { code, out, asked } = await tokens(line, { body: TOKENS });
    expect([code, asked]).toEqual([0, ["GET /tokens"]]);
    const [title, api, shop] = out.split("\n").map((row) => row.trim().split(/ {2,}/));
    expect(title).toEqual(["name", "scopes", "created", "last used", "expires"]);
    expect(api).toEqual(["api", "admin", "configured"]);
    expect(shop?.slice(0, 2)).toEqual(["shop", "read, trigger:order"]);
    expect(shop).toContain("never");
  });

  it("peach tokens create makes one, and prints nothing but the token where a program reads", async () => {
    const made = { name: "shop", scopes: ["read", "trigger"], expires_at: null, token: "the-token" };
    const { code, out, err, asked } = await tokens("create shop --scopes read,trigger --expires-in 30d", {
      status: 201,
      body: made,
    });
    expect([code, out]).toEqual([0, "the-token"]);
    expect(err).toContain("shown this once");
    expect(asked).toEqual(['POST /tokens {"name":"shop","scopes":["read","trigger"],"expires_in":"2592000000ms"}']);
    const json = await tokens("create shop --scopes read --json", { status: 201, body: made });
    expect(JSON.parse(json.out)).toEqual(made);
  });

  it("peach tokens delete ends each token that is named", async () => {
    const { code, err, asked } = await tokens("delete a b", { status: 204 });
    expect([code, err, asked]).toEqual([0, '"a" has ended\n"b" has ended', ["DELETE /tokens/a", "DELETE /tokens/b"]]);
  });

  it("peach tokens says why the server refused", async () => {
    const { code, err } = await tokens("delete a", problem(404, "unknown_token"));
    expect([code, err]).toMatchObject([1, expect.stringContaining("It is unknown_token.")]);
  });

  it("peach tokens create says as a command what the API says as a body", async () => {
    const hint = 'Send {"name": "shop", "scopes": ["trigger"], "expires_in": "30d"}.';
    const { err } = await tokens("create . --scopes read", {
      status: 400,
      body: { code: "invalid_payload", detail: "The body describes no token: $.name.", hint },
    });
    expect(err).toContain("hint: Write it as `npm run peach -- tokens create shop --scopes trigger --expires-in 30d`.");
    // The API's own text.
    expect(readFileSync(join(import.meta.dirname, "../../src/http/api/tokens.ts"), "utf8")).toContain(`'${hint}'`);
  });

  it.each([
    ["create", "name the token to create"],
    ["create a", "--scopes is missing"],
    [
      "create a --scopes read,tigger:order",
      "--scopes: expected read, trigger, trigger:TASK+TASK, operate or admin, given tigger:order; did you mean `trigger`?",
    ],
    ["create a --scopes sing", "operate or admin, given sing\n"],
    ["create a b --scopes read", "one token is made at a time"],
    ["delete", "name the token to delete"],
    ["list a", "list takes no names"],
    ["list --scopes read", "--scopes and --expires-in are for `tokens create`"],
    ["make", "expected one of list, create, delete"],
  ])("%s is used wrongly: %s", async (line, message) => {
    const { code, err, asked } = await tokens(line, { body: TOKENS });
    expect([code, asked]).toEqual([2, []]);
    expect(err).toContain(message);
  });
});

import { describe, expect, it } from "vitest";
import { problem, serve, type Answer } from "../client/scripted-server.ts";
import { commandLine } from "../scripts/command-line.ts";

const [ONE, OTHER] = [`ses_${"0".repeat(26)}`, `ses_${"1".repeat(26)}`];
const SESSIONS = {
  sessions: [
    {
      id: ONE,
      token: "desk",
      from: "192.0.2.7",
      created_at: "2026-11-01T10:00:00.000Z",
      last_seen_at: "2026-11-01T11:00:00.000Z",
      expires_at: "2026-11-08T10:00:00.000Z",
    },
  ],
};

async function sessions(line: string, ...answers: readonly Answer[]) {
  const { url, asked } = await serve(...answers);
  const env = { PEACH_URL: url, PEACH_API_TOKEN: "t" };
  const { code, out, err } = await commandLine(["sessions", ...line.split(" ").filter(Boolean)], { env });
  return { code, out, err, asked: asked.map(({ method, path }) => `${method} ${path}`) };
}

describe("peach sessions", () => {
  it.each(["", "list"])("%s lists who is logged in, from where and until when", async (line) => {
    const { code, out, asked } = await sessions(line, { body: SESSIONS });
    expect([code, asked]).toEqual([0, ["GET /sessions"]]);
    const [title, one] = out.split("\n").map((row) => row.trim().split(/ {2,}/));
    expect(title).toEqual(["id", "token", "from", "began", "last seen", "ends at the latest"]);
    expect(one?.slice(0, 3)).toEqual([ONE, "desk", "192.0.2.7"]);
    expect(one).toHaveLength(6);
  });

  it("peach sessions lists them as a program reads them, and says if there are none", async () => {
    expect(JSON.parse((await sessions("--json", { body: SESSIONS })).out)).toEqual(SESSIONS);
    expect((await sessions("", { body: { sessions: [] } })).out).toBe("nobody is logged in");
  });

  it("peach sessions end ends each session that is named", async () => {
    const { code, err, asked } = await sessions(`end ${ONE} ${OTHER}`, { status: 204 });
    expect([code, asked]).toEqual([0, [`DELETE /sessions/${ONE}`, `DELETE /sessions/${OTHER}`]]);
    expect(err).toBe(`${ONE} has ended\n${OTHER} has ended`);
    const json = await sessions(`end ${ONE} --json`, { status: 204 });
    expect([JSON.parse(json.out), json.err]).toEqual([{ ended: [ONE], refused: [] }, ""]);
  });

  it("peach sessions says why the server refused", async () => {
    const { code, err } = await sessions(`end ${ONE}`, problem(404, "unknown_session"));
    expect([code, err]).toMatchObject([1, expect.stringContaining("It is unknown_session.")]);
  });

  it.each([
    ["end", "name the session to end, by its id: `sessions` lists them"],
    ["list a", "list takes no ids"],
    ["close", "expected one of list, end"],
  ])("%s is used wrongly: %s", async (line, message) => {
    const { code, err, asked } = await sessions(line, { body: SESSIONS });
    expect([code, asked]).toEqual([2, []]);
    expect(err).toContain(message);
  });
});

import { describe, expect, it } from "vitest";
import { problem, serve, type Answer, type Asked } from "../client/scripted-server.ts";
import { commandLine } from "../scripts/command-line.ts";

async function peach(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, out, err } = await commandLine(["reconcile", ...args], { env, projectRoot: "/nowhere" });
  return { code, out, err };
}

function deployment(...answers: readonly Answer[]) {
  return serve(...answers);
}

function callsOf(asked: readonly Asked[]) {
  return asked.map(({ method, path, headers }) => ({ method, path, authorization: headers.authorization }));
}

const PAGE = { bucket: "uploads", dry_run: false, listed: 2, matching: 1, too_old: 1, missed: [], refused: [] };
const MISSED = { key: "audio/a.mp3", task: "transcribe", run_id: "run_1" };
const REFUSED = { key: "audio/b.mp3", task: "transcribe", code: "trigger_depth", detail: "Too deep." };

describe("peach reconcile", () => {
  it("peach reconcile follows the pages, says what it has triggered, and sums up", async () => {
    const { url, asked } = await deployment(
      { body: { ...PAGE, missed: [MISSED], next_cursor: "a b&c" } },
      { body: { ...PAGE, missed: [{ ...MISSED, key: "audio/c.mp3", run_id: "run_2" }], next_cursor: null } },
    );
    const args = [
      "--bucket",
      "uploads",
      "--prefix",
      "audio/",
      "--since",
      "7d",
      "--url",
      `${url}/`,
      "--token",
      "secret",
    ];
    expect(await peach(args)).toEqual({
      code: 0,
      out: [
        "audio/a.mp3  transcribe  run_1",
        "audio/c.mp3  transcribe  run_2",
        "uploads: 4 objects listed, 2 looked at, 2 older than retention and left out; 2 runs triggered, 0 refused",
      ].join("\n"),
      err: "",
    });
    const path = "/r2/uploads/reconcile?prefix=audio%2F&since=604800000ms&dry_run=false";
    const authorization = "Bearer secret";
    expect(callsOf(asked)).toEqual([
      { method: "POST", path, authorization },
      { method: "POST", path: `${path}&cursor=a+b%26c`, authorization },
    ]);
  });

  it("peach reconcile takes url and token from the environment, and changes nothing with --dry-run", async () => {
    const { url, asked } = await deployment({ body: { ...PAGE, dry_run: true, missed: [MISSED], next_cursor: null } });
    const env = { PEACH_URL: url, PEACH_API_TOKEN: "secret" };
    const { code, out } = await peach(["--bucket", "uploads", "--dry-run"], env);
    expect([code, out]).toEqual([0, expect.stringContaining("audio/a.mp3  transcribe\nuploads:")]);
    expect(out).toContain("1 runs would be triggered");
    expect(asked.map((one) => one.path)).toEqual(["/r2/uploads/reconcile?dry_run=true"]);
  });

  it("peach reconcile gives programs all of it, and exits with 1 if an object was refused", async () => {
    const { url } = await deployment(
      { body: { ...PAGE, missed: [MISSED], next_cursor: "1" } },
      { body: { ...PAGE, refused: [REFUSED], next_cursor: null } },
    );
    const { code, out } = await peach(["--bucket", "uploads", "--url", url, "--token", "t", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      bucket: "uploads",
      dry_run: false,
      listed: 4,
      matching: 2,
      too_old: 2,
      missed: [MISSED],
      refused: [REFUSED],
    });
  });

  it("peach reconcile exits with 1 and says why if the server refuses", async () => {
    const { url } = await deployment(problem(404, "unknown_bucket"));
    expect(await peach(["--bucket", "none", "--url", url, "--token", "t"])).toEqual({
      code: 1,
      out: "",
      err: "error: It is unknown_bucket.\nhint: Do this.\n(unknown_bucket, request r1)",
    });
  });

  it.each([
    [[], "--bucket is missing"],
    [["--bucket", "b"], "nobody has said where Peach runs"],
    [["--bucket", "b", "--url", "http://x"], "the token for http://x is missing"],
    [["--bucket", "b", "--url", "peach", "--token", "t"], "--url: expected an address"],
    [["--buckt", "b"], "Unknown option '--buckt'"],
  ])("peach reconcile refuses to be called with %j", async (args, message) => {
    const { code, err } = await peach(args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

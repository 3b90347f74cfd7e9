import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "../../scripts/cli/run.ts";

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
}

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A deployment that gives these answers, one after the other, and notes what it was asked. */
async function deployment(...answers: readonly { readonly status?: number; readonly body: unknown }[]) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    asked.push({ method: request.method, url: request.url, authorization: request.headers.authorization });
    const { status = 200, body } = answers[asked.length - 1] ?? { status: 500, body: "asked too often" };
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  closing.push(() => new Promise((closed) => server.close(() => closed())));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return { asked, url: `http://127.0.0.1:${address.port}` };
}

async function peach(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommand(["reconcile", ...args], {
    env,
    cwd: process.cwd(),
    repoRoot: process.cwd(),
    out: (text) => out.push(text),
    err: (text) => err.push(text),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const PAGE = { bucket: "uploads", dry_run: false, listed: 2, matching: 1, too_old: 1, missed: [], refused: [] };
const MISSED = { key: "audio/a.mp3", task: "transcribe", run_id: "run_1" };
const REFUSED = { key: "audio/b.mp3", task: "transcribe", code: "trigger_depth", detail: "Too deep." };

describe("peach reconcile", () => {
  it("follows the pages, says what it has triggered, and sums up", async () => {
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
    const path = "/api/v1/r2/uploads/reconcile?dry_run=false&prefix=audio%2F&since=7d";
    const authorization = "Bearer secret";
    expect(asked).toEqual([
      { method: "POST", url: path, authorization },
      { method: "POST", url: `${path}&cursor=a+b%26c`, authorization },
    ]);
  });

  it("takes url and token from the environment, and changes nothing with --dry-run", async () => {
    const { url, asked } = await deployment({ body: { ...PAGE, dry_run: true, missed: [MISSED], next_cursor: null } });
    const env = { PEACH_URL: url, PEACH_API_TOKEN: "secret" };
    const { code, out } = await peach(["--bucket", "uploads", "--dry-run"], env);
    expect([code, out]).toEqual([0, expect.stringContaining("audio/a.mp3  transcribe\nuploads:")]);
    expect(out).toContain("1 runs would be triggered");
    expect(asked.map((one) => one.url)).toEqual(["/api/v1/r2/uploads/reconcile?dry_run=true"]);
  });

  it("gives programs all of it, and exits with 1 if an object was refused", async () => {
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

  it("exits with 1 and says why if the server refuses", async () => {
    const body = { detail: "There is no such bucket.", hint: "Name another." };
    const { url } = await deployment({ status: 404, body });
    expect(await peach(["--bucket", "none", "--url", url, "--token", "t"])).toEqual({
      code: 1,
      out: "",
      err: `${url} answered 404: There is no such bucket. Name another.`,
    });
  });

  it("exits with 1 if nobody is there", async () => {
    const { code, err } = await peach(["--bucket", "uploads", "--url", "http://127.0.0.1:1", "--token", "t"]);
    expect([code, err]).toEqual([1, expect.stringContaining("http://127.0.0.1:1 cannot be asked")]);
  });

  it.each([
    [[], "--bucket is missing"],
    [["--bucket", "b"], "--url (or PEACH_URL) is missing"],
    [["--bucket", "b", "--url", "http://x"], "--token (or PEACH_API_TOKEN) is missing"],
    [["--bucket", "b", "--url", "peach", "--token", "t"], "--url: expected a URL"],
    [["--buckt", "b"], "Unknown option '--buckt'"],
  ])("is called wrongly with %j", async (args, message) => {
    const { code, err } = await peach(args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

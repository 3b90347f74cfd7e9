import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { RunSummary } from "../../src/client/client.ts";
import { ACCEPTED, DEPLOYED_TASK } from "../client/documents.ts";
import { events, problem, type Answer } from "../client/scripted-server.ts";
import { FAILED, peach, run, SUMMARY, task } from "./scripted-peach.ts";

describe("peach trigger", () => {
  it("peach trigger says the run's id, and where to see it", async () => {
    const answers = [{ status: 202, body: ACCEPTED }];
    const { code, out, err, calls } = await peach("trigger t --delay 2h --tag a --tag b", answers);
    expect([code, out, err]).toEqual([0, "run_1 queued", "see it: npm run peach -- watch run_1"]);
    expect(calls).toEqual(["POST /tasks/t/trigger?delay=7200000ms&tag=a&tag=b"]);
  });

  it.each([
    [["--json-payload", '{"a": 1.50}'], "application/json", '{"a": 1.50}'],
    [["--json-payload", "-"], "application/json", '{"from": "stdin"}'],
    [["--text", "grüezi"], "text/plain; charset=utf-8", "grüezi"],
    [["--text", "-"], "text/plain; charset=utf-8", '{"from": "stdin"}'],
    [["--file", "-"], "application/octet-stream", '{"from": "stdin"}'],
    [["--file", "-", "--content-type", "audio/mpeg"], "audio/mpeg", '{"from": "stdin"}'],
    [[], "application/json", "null"],
  ])("peach trigger carries the payload of %j", async (args, contentType, body) => {
    const { asked_of_server: asked } = await peach(["trigger", "t", ...args], [{ status: 202, body: ACCEPTED }], {
      stdin: '{"from": "stdin"}',
    });
    expect([asked[0]?.headers["content-type"], asked[0]?.body.toString()]).toEqual([contentType, body]);
  });

  it("peach trigger reads a file, and knows its type by its name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "peach-cli-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const [name, contentType] of [
      ["a.json", "application/json"],
      ["a.TXT", "text/plain; charset=utf-8"],
      ["a.mp3", "application/octet-stream"],
    ] as const) {
      writeFileSync(join(folder, name), "[1]");
      const args = ["trigger", "t", "--file", join(folder, name)];
      const { asked_of_server: asked } = await peach(args, [{ status: 202, body: ACCEPTED }]);
      expect([asked[0]?.headers["content-type"], asked[0]?.body.toString()]).toEqual([contentType, "[1]"]);
    }
  });

  it("peach trigger says how a value is written that begins with a dash", async () => {
    const { code, err } = await peach(["trigger", "t", "--tag", "-x"], []);
    expect([code, err.split("\n")[0]]).toEqual([
      2,
      "--tag needs a value; one that begins with a dash is written --tag=VALUE",
    ]);
  });

  it("peach trigger with --wait shows the run, and exits with 1 unless it succeeded in time", async () => {
    const failed = await peach("trigger t --wait 1m", [{ body: FAILED }]);
    expect([failed.code, failed.out.split("\n")[2]]).toEqual([1, "status      failed"]);
    expect((await peach("trigger t --wait 1m", [{ body: run("succeeded", []) }])).code).toBe(0);
    expect((await peach("trigger t --wait 1m", [{ status: 202, body: ACCEPTED }])).code).toBe(1);
  });

  it("peach trigger gives programs what the API answered", async () => {
    const { out } = await peach("trigger t --key k --json", [
      { status: 202, body: { ...ACCEPTED, deduplicated: true } },
    ]);
    expect(JSON.parse(out)).toEqual({ run_id: "run_1", task: "t", status: "queued", deduplicated: true });
  });

  it.each([
    ["", "TASK is missing"],
    ["a b", "Unexpected argument 'b': a payload is given by --text, --json-payload or --file"],
    ["t --json-payload {a:1}", "--json-payload: this is no JSON"],
    ["t --json-payload [9007199254740993]", "--json-payload: $[0]: 9007199254740993 is beyond 2^53 - 1"],
    ["t --json-payload 1 --text 2", "a payload is one of"],
    ["t --content-type a/b", "--content-type belongs to --file"],
    ["t --file /nowhere/at.all", "--file: ENOENT"],
    ["t --delay soon", "--delay: expected a duration such as 30s"],
    ["t --watch --wait 1s", "--watch waits by itself"],
  ])("peach trigger is called wrongly with %j", async (line, message) => {
    const { code, err, calls } = await peach(`trigger ${line}`.trim(), [{ status: 202, body: ACCEPTED }]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(calls).toEqual([]);
  });
});

describe("peach show", () => {
  /** The input of a run, and the log of a failed task. */
  const REST = [{ body: null }, { body: { logs: [], dropped: 0, next_cursor: null } }];

  it("peach show shows a run: its tasks, what failed, what it triggered; nothing in it steers the terminal", async () => {
    const line = {
      attempt: 1,
      at: "2026-11-22T10:00:02.250Z",
      level: "warn",
      message: "no\u001b[2J tongue",
      fields: null,
    };
    const { code, out, calls } = await peach("show run_1", [
      { body: FAILED },
      { body: { uri: "s3://uploads/a.mp3\u001b[2J" } },
      { body: { logs: [line], dropped: 0, next_cursor: null } },
    ]);
    expect([code, calls]).toEqual([
      0,
      ["GET /runs/run_1", "GET /runs/run_1/payload", "GET /runs/run_1/tasks/recommend/logs?attempt=1&limit=1000"],
    ]);
    expect(out).toMatchInlineSnapshot(`
      "run         run_1
      task        transcribe
      status      failed
      trigger     lab by anna
      created     2026-11-22 10:00:00Z
      took        2.5 s
      peach.conf  abc
      input       {"uri":"s3://uploads/a.mp3\\u001b[2J"}

      task        status     after       detail             passed
      transcribe  succeeded              1.0 s              json, 2.0 KB
      recommend   failed     transcribe  1.0 s
      store       skipped    recommend   (upstream_failed)

      recommend failed: RangeError: no such language

      triggered archive: run_2

      last lines of recommend
        10:00:02.250 warn  no tongue

      logs    npm run peach -- logs run_1
      input   npm run peach -- payload run_1
      again   npm run peach -- retry run_1"
    `);
  });

  it("peach show says that there is no such run, and nothing of its usage, where none is named and none is there", async () => {
    const none = [{ body: { runs: [], next_cursor: null } }];
    expect(await peach("show", none)).toMatchObject({ code: 1, err: "error: There is no run yet.\n(unknown_run)" });
    expect(await peach("show --failed", none)).toMatchObject({
      code: 1,
      err: "error: No run has failed.\n(unknown_run)",
    });
  });

  it("peach show fits the terminal, and paints only where colours are wanted", async () => {
    const { out } = await peach("show run_1", [{ body: FAILED }, ...REST], { columns: 50 });
    for (const line of out.split("\n").slice(10, 14)) expect(line.length).toBeLessThanOrEqual(50);
    const painted = await peach("show run_1", [{ body: FAILED }, ...REST], { columns: 50, colors: true });
    expect(out).not.toContain("\u001b");
    expect(painted.out).toContain("\u001b[31mfailed\u001b[39m");
  });
});

describe("peach runs", () => {
  it("peach runs lists runs, cut to the width of the terminal", async () => {
    const { out, calls } = await peach(
      "runs --task transcribe --status failed,cancelled --since 2026-11-22",
      [{ body: { runs: [SUMMARY], next_cursor: null } }],
      { columns: 100 },
    );
    expect(calls).toEqual([
      "GET /runs?task=transcribe&status=failed%2Ccancelled&created_after=2026-11-22T00%3A00%3A00.000Z&limit=20",
    ]);
    expect(out).toMatchInlineSnapshot(`
      "run    task        status  source  by                 created               took   why
      run_1  transcribe  failed  r2      uploads/audio/a …  2026-11-22 10:00:00Z  1m 1s  recommend: no mo…"
    `);
  });

  it("peach runs says why a run has failed: the error that came first, and how many tasks failed besides", async () => {
    const runs: RunSummary[] = [
      { ...SUMMARY, failed_tasks: ["recommend", "archive", "index"] },
      { ...SUMMARY, error: { task: "recommend", name: "TypeError", message: "no\u001B[2J model\nat all" } },
      { ...SUMMARY, failed_tasks: ["recommend", "archive"], error: null },
    ];
    const { out } = await peach("runs", [{ body: { runs, next_cursor: null } }]);
    const [, ...lines] = out.split("\n");
    expect(lines.map((line) => line.slice(line.indexOf("recommend")))).toEqual([
      "recommend: no model; 2 more failed",
      "recommend: TypeError: no model at all",
      "recommend, archive",
    ]);
  });

  it("peach runs lists the runs that wait, and says what for and until when", async () => {
    const until = "2026-11-23T10:00:00.000Z";
    const waits = (kind: "completion" | "run" | "time"): RunSummary => ({
      ...SUMMARY,
      status: "running",
      failed_tasks: [],
      waiting: [{ task: "review", for: kind, until }],
    });
    const body = { runs: [waits("completion"), waits("run"), waits("time")], next_cursor: null };
    const { out, calls } = await peach("runs --status waiting,running", [{ body }]);
    expect(calls).toEqual(["GET /runs?status=waiting%2Crunning&limit=20"]);
    const [, ...lines] = out.split("\n");
    for (const line of lines) expect(line).toMatch(/^run_1 +transcribe +waiting /);
    expect(lines.map((line) => line.slice(line.indexOf("review")))).toEqual([
      "review waits to be completed until 2026-11-23 10:00:00Z",
      "review waits for another run until 2026-11-23 10:00:00Z",
      "review waits for its next attempt at 2026-11-23 10:00:00Z",
    ]);
  });

  it("peach runs follows the pages as far as it is told, and says that there are more", async () => {
    const page = (cursor: string): Answer => ({ body: { runs: [SUMMARY, SUMMARY], next_cursor: cursor } });
    const { out, err, calls } = await peach("runs --limit 4 --tag a --tag b", [page("1"), page("2")]);
    expect(calls).toEqual(["GET /runs?tag=a&tag=b&limit=4", "GET /runs?tag=a&tag=b&limit=2&cursor=1"]);
    expect([out.split("\n").length, err]).toEqual([5, "there are more: --limit 40"]);
  });

  it("peach runs counts, and follows", async () => {
    const counts = { queued: 0, running: 1, succeeded: 20, failed: 3, cancelled: 0 };
    expect((await peach("runs --count", [{ body: { counts, total: 24 } }])).out).toMatch(/^succeeded +20$/m);
    const told = new AbortController();
    const feed: Answer = (response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write(`event: run\ndata: ${JSON.stringify(SUMMARY)}\n\n`, () => told.abort());
    };
    const followed = await peach("runs --follow --task transcribe", [feed], { signal: told.signal });
    expect([followed.code, followed.calls]).toEqual([0, ["GET /runs/feed?task=transcribe"]]);
  });

  it.each([
    ["--status done", "--status: expected one of queued, running, succeeded, failed, cancelled, waiting, given done"],
    ["--source cli", "--source: expected one of api, lab"],
    ["--since yesterday", "--since: expected a duration such as 2h, or a time"],
    ["--limit 0", "--limit: expected a number from 1"],
    ["--key k", "--key needs --task"],
  ])("peach runs is called wrongly with %s", async (line, message) => {
    const { code, err } = await peach(`runs ${line}`, []);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe("peach watch", () => {
  const running = run("running", [task("transcribe", "running"), task("recommend", "pending")]);
  const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}`;
  const STREAM = [
    event("run", running),
    event("progress", { task: "transcribe", attempt: 1, fraction: 0.5, message: "half", at: "x" }),
    event("log", {
      task: "transcribe",
      attempt: 1,
      at: "2026-11-22T10:00:02.250Z",
      level: "info",
      message: "hi",
      fields: { a: 1 },
    }),
    event("change", { run: { status: "failed", duration_ms: 2_500 }, tasks: FAILED.tasks.slice(0, 2), children: [] }),
    event("end", { status: "failed" }),
  ];

  it("peach watch writes a line for each change and each line of the log where there is no terminal, and exits with 1 if the run fails", async () => {
    const line = { attempt: 1, level: "info", fields: null };
    const earlier = { ...line, at: "2026-11-22T10:00:01.000Z", message: "begun" };
    // It comes in the stream as well, and is written once.
    const both = { ...line, at: "2026-11-22T10:00:02.250Z", message: "hi", fields: { a: 1 } };
    const logs = { logs: [earlier, both], dropped: 0, next_cursor: null };
    const { code, out, err } = await peach("watch run_1", [events(STREAM), { body: logs }]);
    expect(code).toBe(1);
    expect(out.split("\n")).toEqual([
      "transcribe: running  1.0 s",
      "10:00:01.000 transcribe info  begun",
      '10:00:02.250 transcribe info  hi {"a":1}',
      "transcribe: running  1.0 s  ██████████░░░░░░░░░░ 50% half",
      "transcribe: succeeded  1.0 s",
      "recommend: failed  1.0 s",
      "run_1 failed after 2.5 s",
    ]);
    expect(err).toBe("recommend failed: RangeError: no such language");
  });

  it("peach watch gives programs each event as a line", async () => {
    const { out } = await peach("watch run_1 --json", [events(STREAM)]);
    expect(out.split("\n").map((line) => JSON.parse(line).type)).toEqual(["run", "progress", "log", "change", "end"]);
  });

  it.each([undefined, 80])(
    "peach watch leaves when it is told to, and says that the run goes on; columns: %j",
    async (columns) => {
      const told = new AbortController();
      const open: Answer = (response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.write(`${STREAM[0]}\n\n`, () => told.abort());
      };
      const { code, err } = await peach("watch run_1", [open], {
        signal: told.signal,
        ...(columns !== undefined && { columns }),
      });
      expect([code, err]).toEqual([1, "run_1 goes on: npm run peach -- watch run_1"]);
    },
  );
});

describe("peach cancel, retry and replay", () => {
  const found = (count: number, next: string | null): Answer => ({
    body: {
      dry_run: false,
      matched: count,
      changed: count,
      runs: Array.from({ length: count }, (_, index) => ({
        run_id: `run_${index}`,
        task: "t",
        status: "running",
        result: "cancelled",
      })),
      next_cursor: next,
    },
  });

  it("peach cancel, retry and replay name runs", async () => {
    const replayed = { ...ACCEPTED, run_id: "run_9", replay_of: { run_id: "run_1", from: "a" } };
    expect(await peach("cancel run_1 --children", [{ body: FAILED }])).toMatchObject({
      code: 0,
      out: "run_1 cancelled",
      calls: ["POST /runs/run_1/cancel?children=true"],
    });
    expect(await peach("retry run_1 run_2", [{ body: FAILED }])).toMatchObject({ out: "run_1 retried\nrun_2 retried" });
    const replay = await peach(["replay", "run_1", "--from", "a", "--text", "new"], [{ status: 202, body: replayed }]);
    expect(replay).toMatchObject({ out: "run_1 replayed as run_9", calls: ["POST /runs/run_1/replay?from=a"] });
    expect(replay.asked_of_server[0]?.body.toString()).toBe("new");
  });

  it("peach cancel, retry and replay go on with the others when one refuses", async () => {
    const { code, out } = await peach("cancel run_1 run_2", [problem(409, "run_final"), { body: FAILED }]);
    expect([code, out]).toEqual([1, "run_1 refused It is run_final.\nrun_2 cancelled"]);
  });

  it("peach cancel, retry and replay by a filter go on page by page, to the limit", async () => {
    const { calls } = await peach("retry --task t --yes --limit 700", [found(500, "c"), found(200, "d")]);
    expect(calls).toEqual([
      "POST /runs/retry?task=t&dry_run=false&limit=500",
      "POST /runs/retry?task=t&dry_run=false&limit=200&cursor=c",
    ]);
  });

  it("peach cancel, retry and replay by a filter say so with their exit code if one refuses", async () => {
    const answer = (changed: number, ...results: readonly string[]): Answer => ({
      body: {
        dry_run: false,
        matched: results.length,
        changed,
        runs: results.map((result, index) => ({ run_id: `run_${index}`, task: "t", status: "running", result })),
        next_cursor: null,
      },
    });
    const some = await peach("cancel --task t --yes", [answer(1, "cancelled", "refused")]);
    expect([some.code, some.out]).toEqual([1, expect.stringMatching(/\n1 of 2 changed, 1 refused$/)]);
    expect(await peach("cancel --task t --yes", [answer(1, "cancelled")])).toMatchObject({ code: 0 });
  });

  it.each([
    ["cancel", "name the runs to cancel, or choose them"],
    ["cancel run_1 --task t", "not both"],
    ["cancel --task t --children", "--children is for runs that are named"],
    ["replay --task t --from a", "--from and a payload are for runs that are named"],
  ])("peach cancel, retry and replay are called wrongly with %j", async (line, message) => {
    const { code, err, calls } = await peach(line, [found(1, null)]);
    expect([code, err, calls]).toEqual([2, expect.stringContaining(message), []]);
  });
});

describe("the other commands", () => {
  it.each<[string, Answer, string, string]>([
    [
      "emit a.b --text x",
      { status: 202, body: { runs: [{ run_id: "run_1", task: "t" }] } },
      "run_1 t",
      "POST /events/a.b",
    ],
    ["emit a.b", { status: 202, body: { runs: [] } }, "no task listens to a.b", "POST /events/a.b"],
    [
      "complete run_1 t",
      { body: { run_id: "run_1", task: "t", status: "succeeded" } },
      "t of run_1: succeeded",
      "POST /runs/run_1/tasks/t/complete",
    ],
    ["pause t", { body: DEPLOYED_TASK }, "t is paused", "POST /tasks/t/pause"],
    ["resume t --schedule", { body: { schedules: [] } }, "the schedules of t are resumed", "POST /schedules/t/resume"],
    ["limits", { body: { limits: [] } }, "no limit is in use", "GET /limits"],
    ["dead-letters", { body: { dead_letters: [], next_cursor: null } }, "there are none", "GET /dead-letters?limit=50"],
    ["dead-letters delete d1", { status: 204 }, "", "DELETE /dead-letters/d1"],
    [
      "dead-letters redrive d1",
      { status: 202, body: { id: "d1", redriven: true, runs: [{ run_id: "run_1", task: "t" }] } },
      "run_1 t",
      "POST /dead-letters/d1/redrive",
    ],
    ["schedules --deployed", { body: { schedules: [] } }, "no task that is deployed has a schedule", "GET /schedules"],
    [
      "graph --deployed --format dot",
      { body: new TextEncoder().encode("digraph {}\n") },
      "digraph {}",
      "GET /graph?format=dot",
    ],
  ])("%s", async (line, answer, out, call) => {
    expect(await peach(line, [answer])).toMatchObject({ code: 0, out, calls: [call] });
  });

  it("peach complete carries what the task passes on, or why it failed", async () => {
    const body = async (args: readonly string[]): Promise<unknown> => {
      const { asked_of_server: asked } = await peach(["complete", "run_1", "t", ...args], [{ body: {} }]);
      return JSON.parse(asked[0]?.body.toString() ?? "");
    };
    expect(await body(["--json-payload", "[1]"])).toEqual({ status: "succeeded", payload: [1] });
    expect(await body(["--text", "[1]"])).toEqual({ status: "succeeded", payload: "[1]" });
    expect(await body(["--failed", "rejected"])).toEqual({ status: "failed", error: { message: "rejected" } });
    expect(await peach(["complete", "run_1", "t", "--failed", "x", "--text", "y"], [])).toMatchObject({ code: 2 });
  });

  it("peach limits shows what is in use", async () => {
    const limits = [{ task: "t", kind: "rate_limit", key: "k", limit: 5, per_ms: 60_000, in_use: 5, waiting: 2 }];
    expect((await peach("limits", [{ body: { limits } }])).out.split("\n")[1]).toBe(
      "t     rate_limit  k    5 per 1m 0s  5       2",
    );
  });
});

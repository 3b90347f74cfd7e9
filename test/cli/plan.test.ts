import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { diff } from "../../src/cli/plan-diff.ts";
import { documentOfEndpoint, documentOfTask } from "../../src/domain/plan/plan-documents.ts";
import { serve } from "../client/scripted-server.ts";
import { planOf, REPO_ROOT, withProject } from "../compiler/project.ts";
import { commandLine } from "../scripts/command-line.ts";

const DEPLOYED = `tasks:
  first: {method: a, downstream: second}
  second: {method: b, schedule: "0 3 * * *"}
  gone: {method: c}
endpoints:
  hook: {method: handle, methods: [POST]}
`;
const LOCAL = `tasks:
  first: {method: a, downstream: [second, third], timeout: 10m}
  second: {method: b, schedule: {cron: "0 4 * * *", timezone: Europe/Zurich}}
  third: {method: c, on: {r2: {bucket: uploads, prefix: audio/}}}
endpoints:
  hook: {method: handle, methods: [POST], auth: {signature: github, secret: GITHUB_SECRET}}
  other: {method: handle}
`;

/** Runs `peach plan` with this peach.conf against a deployment of that one. */
async function plan(
  local: string,
  deployed: string,
  args: readonly string[] = [],
  runs: readonly { readonly run_id: string }[] = [],
  pipelines?: Readonly<Record<string, string>>,
) {
  const there = await planOf(deployed, { wrangler: readFileSync(join(REPO_ROOT, "wrangler.toml"), "utf8") });
  const tasks = Object.values(there.tasks).map((task) => ({ ...documentOfTask(task), paused: null, input_schema: {} }));
  const answers = new Map<string, object>([
    ["/tasks", { tasks }],
    ["/endpoints", { endpoints: there.endpoints.map(documentOfEndpoint) }],
    ["/graph", { conf_version: there.version }],
    ["/runs?status=queued%2Crunning&limit=200", { runs, next_cursor: null }],
    ...runs.map((run) => [`/runs/${run.run_id}`, run] as const),
  ]);
  const server = await serve((response, { path }) => {
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answers.get(path)));
  });
  return withProject(
    { conf: local, ...(pipelines !== undefined && { pipelines }) },
    async ({ confPath, pipelinesDir }) => {
      const env = { PEACH_CONF: confPath, PEACH_PIPELINES: pipelinesDir, PEACH_URL: server.url, PEACH_API_TOKEN: "t" };
      const written = await commandLine(["plan", ...args], { env, projectRoot: REPO_ROOT });
      return { ...written, calls: server.asked.length };
    },
  );
}

describe("peach plan", () => {
  it("peach plan shows what a deploy would add, change and remove, and what it needs", async () => {
    const { code, out } = await plan(LOCAL, DEPLOYED);
    expect(code).toBe(0);
    expect(out.replace(/\b[0-9a-f]{8,}\b/g, "VERSION")).toMatchInlineSnapshot(`
      "peach.conf VERSION -> VERSION: 7 changes

      tasks
        ~ first
            downstream: ["second"] -> ["second","third"]
            timeout_ms: 25000 -> 600000
        + third
        - gone

      endpoints
        ~ hook
            auth: "none" -> {"signature":"github","secret":"GITHUB_SECRET"}
        + other

      schedules
        + second 0 4 * * * Europe/Zurich
        - second 0 3 * * * UTC

      needs
        queues   peach-dead-letters, peach-runs, peach-r2-events
        buckets  peach-payloads, uploads
        reports  uploads/audio/* (object-create) to peach-r2-events
        secret   PEACH_API_TOKEN: without it, or PEACH_API_TOKENS, the API refuses everyone
        secret   GITHUB_SECRET: without it hook refuses every delivery

      npm run peach -- provision says which of them are missing."
    `);
  });

  it("peach plan says which live runs there are, which will wait for a deploy, and which do already", async () => {
    const task = (name: string, status: string, waitingFor: object | null = null) => ({
      task: name,
      status,
      waiting_for: waitingFor,
    });
    const until = "2027-01-30T00:00:00.000Z";
    const waits = (method: string) => ({ for: "deploy", method, since: "2026-12-31T00:00:00.000Z", until });
    const run = (number: number, root: string, tasks: readonly object[]) => ({
      run_id: `run_${number}`,
      task: root,
      conf_version: "0ld",
      finished_at: null,
      tasks,
    });
    const runs = [
      run(1, "first", [task("first", "succeeded"), task("second", "running"), task("gone", "pending")]),
      run(2, "first", [task("first", "running"), task("gone", "pending")]),
      run(3, "other", [task("other", "queued", waits("b")), task("another", "queued", waits("lost"))]),
    ];
    const local = LOCAL.replace("method: c", "method: a");
    const pipelines = { "tasks.ts": "export function a() {}\nexport function b() {}\nexport function handle() {}\n" };
    const { out } = await plan(local, DEPLOYED, [], runs, pipelines);
    expect(out.slice(out.indexOf("live runs"), out.indexOf("\n\nneeds"))).toBe(
      `live runs: 3, which keep the graph that they were accepted with
  2 of first, peach.conf 0ld
  1 of other, peach.conf 0ld
  ! gone: c is exported no more; 2 of them will wait for a deploy that has it
  other of run_3 waits for b, and goes on with this deploy
  ! another of run_3 waits for lost, which this deploy does not have, until ${until}`,
    );
    const { out: json } = await plan(local, DEPLOYED, ["--json"], runs, pipelines);
    expect(JSON.parse(json).runs).toMatchObject({ open: 3, more: false, will_wait: [{ task: "gone", method: "c" }] });
  });

  it("peach plan says that nothing changes", async () => {
    expect((await plan(DEPLOYED, DEPLOYED)).out).toMatch(/^peach\.conf \w+ -> \w+: nothing changes\n\nneeds\n/);
    expect((await plan(`retention: 1d\n${DEPLOYED}`, DEPLOYED)).out).toContain(": only settings beside tasks");
  });

  it("peach plan shows a first deploy without asking anybody", async () => {
    const { out, calls } = await plan(LOCAL, DEPLOYED, ["--first", "--json"]);
    const { deployed, tasks, schedules, resources } = JSON.parse(out);
    expect([calls, deployed, tasks.map(({ change }: { change: string }) => change)]).toEqual([
      0,
      null,
      ["added", "added", "added"],
    ]);
    expect(schedules).toEqual([{ change: "added", name: "second 0 4 * * * Europe/Zurich" }]);
    expect(resources).toMatchObject({
      eventQueue: "peach-r2-events",
      rules: [{ bucket: "uploads", prefix: "audio/" }],
    });
  });

  it("peach plan shows what is wrong with peach.conf, and exits with 1", async () => {
    expect(await plan("tasks:\n  t: {method: aa}\n", DEPLOYED)).toMatchObject({ code: 1, out: "", calls: 0 });
  });
});

describe("a difference", () => {
  const one = (properties: Record<string, unknown>) => [{ name: "x", properties }];

  it("a difference does not depend on the order of properties, nor on what is null on one side and absent on the other", () => {
    expect(diff(one({ a: { b: 1, c: [2] }, d: null }), one({ a: { c: [2], b: 1 } }))).toEqual([]);
    expect(diff(one({ a: [1, 2] }), one({ a: [2, 1] }))).toEqual([
      { change: "changed", name: "x", properties: [{ name: "a", from: [1, 2], to: [2, 1] }] },
    ]);
  });
});

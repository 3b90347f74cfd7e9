/** What time does, and what another version of the code does, on one state: deploys and back, schedules, and retention. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { startRuntime, untilServing, type LocalRuntime } from "../../src/local/runtime.ts";
import { IS_LONG } from "../support/long.ts";
import { Peach } from "./peach.ts";
import { Recorder } from "./recorder.ts";

const SOON = { timeout: 30_000, interval: 50 };
/** A due time is missed when it is more than a minute late. Without that, at least one falls into the time without a runtime. */
const AWAY_MS = IS_LONG ? 65_000 : 2_000;
const LONG = { timeout: 240_000 };

const PIPELINES = `
  import { currentTask, readFromParentTask } from "peach/task-helpers";
  import { gate, report } from ${JSON.stringify(join(import.meta.dirname, "fixtures/probe.ts"))};
  export const passes_on = async () => currentTask().name + " after " + JSON.stringify(await readFromParentTask());
  export const asks = async () => undefined;
  export const ticks = async (payload) => report("tick", payload.due_at);
  export const waits = async (payload) => {
    await report("waits", payload.due_at);
    await gate(currentTask().runId);
  };`;
const LATER_METHOD = `export const comes_later = async () => "it came";`;

const schedule = z.object({
  task: z.string(),
  paused: z.boolean(),
  waiting: z.array(z.string()),
  skipped: z.object({ count: z.number(), last: z.object({ reason: z.string() }).nullable() }),
});
const schedules = z.object({ schedules: z.array(schedule) });
const total = z.object({ total: z.number() });
const waitsFor = z.object({
  tasks: z.array(z.object({ status: z.string(), waiting_for: z.object({ for: z.string() }).nullish() })),
});

let folder: string;
let recorder: Recorder;
let runtime: LocalRuntime;
beforeAll(async () => {
  recorder = await Recorder.start();
  folder = mkdtempSync(join(tmpdir(), "peach-deploys-"));
  mkdirSync(join(folder, "pipelines"));
  return async () => {
    await runtime.kill("SIGKILL");
    await recorder.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
});

const env = (): Record<string, string> => ({
  RECORDER_URL: recorder.url,
  PEACH_API_TOKEN: "token-of-the-end-to-end-tests",
  PEACH_URL: "http://127.0.0.1",
});

function write(conf: string, pipelines = PIPELINES): void {
  writeFileSync(join(folder, "peach.conf"), conf);
  writeFileSync(join(folder, "pipelines/tasks.ts"), pipelines);
}

async function start(): Promise<void> {
  runtime = await startRuntime({
    confPath: join(folder, "peach.conf"),
    pipelinesDir: join(folder, "pipelines"),
    persistTo: join(folder, "state"),
    env: env(),
  });
}

/** Deploys this version; resolves once it serves. */
async function deploy(conf: string, pipelines = PIPELINES): Promise<void> {
  write(conf, pipelines);
  const built = await runtime.rebuild(env());
  if (!built.ok) throw new Error(built.diagnostics);
  expect(await untilServing(runtime.url, built.project.plan.version)).toBe(true);
}

const peach = (): Peach => new Peach(runtime);

async function post(path: string, body?: unknown): Promise<void> {
  const answer = await peach().call(path, {
    method: "POST",
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

function complete(run: string, task: string): Promise<void> {
  return post(`/api/v1/runs/${run}/tasks/${task}/complete`, { status: "succeeded", payload: "yes" });
}

async function started(task: string): Promise<string> {
  return (await peach().trigger(task, null)).run_id;
}

async function isWaiting(run: string, what: object): Promise<void> {
  const tasks = async (): Promise<unknown> =>
    waitsFor.parse(await (await peach().call(`/api/v1/runs/${run}`)).json()).tasks;
  await expect.poll(tasks, SOON).toEqual(expect.arrayContaining([expect.objectContaining(what)]));
}

/** The tasks of the run with how they ended, as text. */
async function endOf(run: string): Promise<string> {
  const { tasks } = await peach().finished(run, 60_000);
  return tasks.map(({ task, status }) => `${task} ${status}`).join(", ");
}

const OLD = `
  tasks:
    asks: {method: asks, external: true, timeout: 1d, downstream: [left]}
    left: {method: passes_on, downstream: [end]}
    end: {method: passes_on}
`;
const NEW = `
  tasks:
    asks: {method: asks, external: true, timeout: 1d, downstream: [right]}
    right: {method: passes_on}
`;

describe("a deploy while runs are live", () => {
  it("a deploy while runs are live leaves each with the graph that it was accepted with, there and back", async () => {
    write(OLD);
    await start();
    const first = await started("asks");
    await isWaiting(first, { status: "waiting" });
    await deploy(NEW);
    const second = await started("asks");
    await isWaiting(second, { status: "waiting" });
    const unknown = await peach().call("/api/v1/tasks/left/trigger", { method: "POST" });
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: "unknown_task" }]);
    // The older run goes on under the newer version, and the newer one under the older.
    await complete(first, "asks");
    expect(await endOf(first)).toBe("asks succeeded, left succeeded, end succeeded");
    expect(await (await peach().payload(first, "end")).text()).toBe('end after "left after \\"yes\\""');
    await deploy(OLD);
    await complete(second, "asks");
    expect(await endOf(second)).toBe("asks succeeded, right succeeded");
    const third = await started("asks");
    await isWaiting(third, { status: "waiting" });
    await complete(third, "asks");
    expect(await endOf(third)).toBe("asks succeeded, left succeeded, end succeeded");
  });

  it("a run without a method waits for a deploy that has it", async () => {
    const conf =
      "tasks:\n  later: {method: comes_later}\n  asks: {method: asks, external: true, downstream: [later]}\n";
    await deploy(conf, `${PIPELINES}\n${LATER_METHOD}`);
    const run = await started("asks");
    await isWaiting(run, { status: "waiting" });
    await deploy(NEW);
    await complete(run, "asks");
    await isWaiting(run, { status: "queued", waiting_for: { for: "deploy" } });
    await deploy(conf, `${PIPELINES}\n${LATER_METHOD}`);
    expect(await endOf(run)).toBe("asks succeeded, later succeeded");
    expect(await (await peach().payload(run, "later")).text()).toBe("it came");
  });
});

const EVERY_SECOND = (overlap: string): string =>
  `{method: waits, schedule: {cron: "* * * * * *", overlap: ${overlap}}}`;
const EVERY_TWO = (catchUp: string): string =>
  `{method: ticks, schedule: {cron: "*/2 * * * * *", catch_up: ${catchUp}}}`;
const SCHEDULED = `
  tasks:
    allow: ${EVERY_SECOND("allow")}
    skip: ${EVERY_SECOND("skip")}
    buffer_one: ${EVERY_SECOND("buffer_one")}
    cancel_running: ${EVERY_SECOND("cancel_running")}
    all: ${EVERY_TWO("all")}
    latest: ${EVERY_TWO("latest")}
    none: ${EVERY_TWO("none")}
`;
const OVERLAPPING = ["allow", "skip", "buffer_one", "cancel_running"];
const CATCHING = ["all", "latest", "none"];

async function pause(task: string): Promise<void> {
  await post(`/api/v1/schedules/${task}/pause`);
}

async function resume(task: string): Promise<void> {
  await post(`/api/v1/schedules/${task}/resume`);
}

async function scheduleOf(task: string): Promise<z.infer<typeof schedule> | undefined> {
  const listed = schedules.parse(await (await peach().call("/api/v1/schedules")).json()).schedules;
  return listed.find((one) => one.task === task);
}

/** What runs of this task have reported, by due time. */
function reported(event: string, task: string): { run: string; dueAt: number }[] {
  const ours = recorder.reports(event).filter((report) => report.task === task);
  return ours.map(({ run, data }) => ({ run, dueAt: Date.parse(z.string().parse(data)) }));
}

describe("a schedule of every second", () => {
  beforeAll(async () => {
    await deploy(SCHEDULED);
    for (const task of [...OVERLAPPING, ...CATCHING]) await pause(task);
    // Those that were due before they were paused.
    for (const task of OVERLAPPING) await letGo(task);
  });

  /** The runs that come to wait from now on, as soon as there are so many. */
  async function come(task: string, count: number, act: () => Promise<void> = () => resume(task)): Promise<string[]> {
    const before = reported("waits", task).length;
    await act();
    const runs = (): string[] =>
      reported("waits", task)
        .slice(before)
        .map(({ run }) => run);
    await expect.poll(() => runs().length, SOON).toBeGreaterThanOrEqual(count);
    return runs();
  }

  /** Ends the test: nothing more is due, and what waits is let go. */
  async function quiet(task: string): Promise<void> {
    await pause(task);
    await letGo(task);
  }

  /** Opens the gates at which runs of the task wait, until there is none any more. */
  async function letGo(task: string): Promise<void> {
    await vi.waitFor(async () => {
      for (const { run } of reported("waits", task)) recorder.open(run);
      const answer = await peach().call(`/api/v1/runs/count?task=${task}&status=queued,running`);
      expect(total.parse(await answer.json())).toEqual({ total: 0 });
    }, SOON);
  }

  it("a schedule of every second with overlap: allow starts a run while the last one is at work", async () => {
    const [first = "", second = ""] = await come("allow", 2);
    expect([(await peach().run(first)).status, (await peach().run(second)).status]).toEqual(["running", "running"]);
    expect((await peach().run(first)).trigger).toMatchObject({ source: "schedule" });
    await quiet("allow");
  });

  it("a schedule of every second with overlap: skip starts none meanwhile, and counts those", async () => {
    const before = (await scheduleOf("skip"))?.skipped.count ?? 0;
    const [first = ""] = await come("skip", 1);
    await expect
      .poll(async () => (await scheduleOf("skip"))?.skipped, SOON)
      .toMatchObject({ last: { reason: "overlap" }, count: expect.any(Number) });
    await expect.poll(async () => (await scheduleOf("skip"))?.skipped.count, SOON).toBeGreaterThan(before + 1);
    expect(reported("waits", "skip").at(-1)?.run).toBe(first);
    await come("skip", 1, () => recorder.openOnceReached(first));
    await quiet("skip");
  });

  it("a schedule of every second with overlap: buffer_one starts one when the run ends, and skips further ones", async () => {
    const [first = ""] = await come("buffer_one", 1);
    await expect.poll(async () => (await scheduleOf("buffer_one"))?.waiting.length, SOON).toBe(1);
    await expect.poll(async () => (await scheduleOf("buffer_one"))?.skipped.count, SOON).toBeGreaterThan(0);
    const [buffered = ""] = (await scheduleOf("buffer_one"))?.waiting ?? [];
    expect(reported("waits", "buffer_one").at(-1)?.run).toBe(first);
    const [next = ""] = await come("buffer_one", 1, () => recorder.openOnceReached(first));
    expect(reported("waits", "buffer_one").find(({ run }) => run === next)?.dueAt).toBe(Date.parse(buffered));
    await quiet("buffer_one");
  });

  it("a schedule of every second with overlap: cancel_running cancels the run that is at work and starts another", async () => {
    const [first = ""] = await come("cancel_running", 2);
    expect((await peach().finished(first)).status).toBe("cancelled");
    await quiet("cancel_running");
  });
});

describe("a schedule over whose due times everything was killed", () => {
  /** Once each has run for a due time after this one. */
  async function beyond(at: number): Promise<void> {
    for (const task of CATCHING)
      await expect.poll(() => reported("tick", task).at(-1)?.dueAt ?? 0, SOON).toBeGreaterThan(at);
  }

  /** The due times of which there were runs, between these two. */
  function between(task: string, from: number, to: number): number[] {
    return [...new Set(reported("tick", task).map(({ dueAt }) => dueAt))]
      .filter((dueAt) => dueAt > from && dueAt < to)
      .toSorted((a, b) => a - b);
  }

  function everyTwo(from: number, to: number): number[] {
    const first = Math.floor(from / 2_000) * 2_000 + 2_000;
    return Array.from({ length: Math.ceil((to - first) / 2_000) }, (_, index) => first + index * 2_000);
  }

  it(
    "a schedule over whose due times everything was killed makes up for those of the last minute, and of older ones for what `catch_up` says",
    LONG,
    async () => {
      for (const task of CATCHING) await resume(task);
      await beyond(Date.now());
      const from = Date.now();
      await runtime.kill("SIGKILL");
      await expect.poll(() => Date.now() - from, { timeout: AWAY_MS + 10_000, interval: 100 }).toBeGreaterThan(AWAY_MS);
      const back = Date.now();
      await start();
      const to = Date.now();
      await beyond(to);
      const missed = everyTwo(from, back - 60_000);
      expect(missed.length > 1).toBe(IS_LONG);
      const late = everyTwo(Math.max(from, to - 50_000), to);
      expect(late.length).toBeGreaterThan(0);
      await expect.poll(() => between("all", from, back - 60_000), SOON).toEqual(missed);
      for (const task of CATCHING) {
        await expect.poll(() => between(task, Math.max(from, to - 50_000), to), SOON).toEqual(late);
        const runs = new Map(reported("tick", task).map(({ run, dueAt }) => [run, dueAt]));
        expect(new Set(runs.values()).size, "due times with a run").toBe(runs.size);
      }
      for (const task of ["latest", "none"]) {
        expect(between(task, from, back - 60_000)).toEqual([]);
        const { last } = (await scheduleOf(task))?.skipped ?? {};
        expect(last?.reason === "missed").toBe(IS_LONG);
      }
    },
  );

  it("a schedule over whose due times everything was killed starts nothing any more once it is deployed away", async () => {
    await deploy(OLD);
    await expect.poll(() => scheduleOf("all"), SOON).toBeUndefined();
    const at = Date.now();
    await expect.poll(() => Date.now() - at, SOON).toBeGreaterThan(4_000);
    for (const task of CATCHING) expect(reported("tick", task).filter(({ dueAt }) => dueAt > at)).toEqual([]);
  });
});

describe("retention", () => {
  it("retention deletes a finished run and its payloads by itself, and nothing that is not final", async () => {
    await deploy(`retention: 2s\ninline_limit: 0B\n${OLD.replaceAll(/^ {2}/gm, "")}`);
    const stored = (): string[] =>
      readdirSync(join(folder, "state"), { recursive: true, encoding: "utf8" }).filter((path) =>
        /peach-payloads.blobs.[^/]+$/.test(path),
      );
    const before = new Set(stored());
    const [live, run] = [await started("asks"), await started("left")];
    await expect.poll(() => stored().filter((path) => !before.has(path)).length, SOON).toBeGreaterThan(2);
    const found = async (id: string): Promise<number> => {
      const answer = await peach().call(`/api/v1/runs/${id}`);
      await answer.body?.cancel();
      return answer.status;
    };
    await expect.poll(() => found(run), SOON).toBe(404);
    const listed = async (): Promise<string> => (await peach().call("/api/v1/runs?task=left")).text();
    await expect.poll(listed, SOON).not.toContain(run);
    expect(await found(live)).toBe(200);
    await complete(live, "asks");
    await expect.poll(() => found(live), SOON).toBe(404);
    await expect.poll(() => stored().filter((path) => !before.has(path)), { ...SOON, timeout: 90_000 }).toEqual([]);
  });
});

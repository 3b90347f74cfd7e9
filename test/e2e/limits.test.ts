import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { taskOf, type RunDocument } from "./peach.ts";
import type { Report } from "./recorder.ts";
import { Stage } from "./stage.ts";

const LONG = { timeout: 240_000 };
/** A lease of 3 s and its grace, then what is left; generous, since the machine may be busy. */
const RECOVERY_MS = 120_000;

const LIMITS = z.object({
  limits: z.array(z.object({ task: z.string(), in_use: z.number(), waiting: z.number() })),
});
const HELD = z.object({ tasks: z.array(z.object({ waiting_for: z.unknown() })) });

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("limits");
  return () => stage.close();
});

function startsOf(task: string): readonly Report[] {
  return stage.recorder.reports("start").filter((report) => report.task === task);
}

/** The most attempts of a task that have run at once, as counted from outside. What a kill has taken ran until then. */
function mostAtOnce(task: string, user: string, killedAt: readonly number[] = []): number {
  const ours = (event: string): Report[] =>
    stage.recorder.reports(event).filter((report) => report.task === task && report.data === user);
  const ends = ours("end");
  const spans = ours("start").map(({ run, attempt, at }) => {
    const ended = ends.find((report) => report.run === run && report.attempt === attempt && report.at >= at);
    const killed = killedAt.find((kill) => kill >= at) ?? Number.POSITIVE_INFINITY;
    return { from: at, to: Math.min(ended?.at ?? Number.POSITIVE_INFINITY, killed) };
  });
  return Math.max(0, ...spans.map(({ from }) => spans.filter((span) => span.from <= from && from < span.to).length));
}

async function triggerMany(task: string, payloads: readonly unknown[]): Promise<string[]> {
  return Promise.all(payloads.map(async (payload) => (await stage.peach.trigger(task, payload)).run_id));
}

function finished(runIds: readonly string[]): Promise<RunDocument[]> {
  return Promise.all(runIds.map((runId) => stage.peach.finished(runId, RECOVERY_MS)));
}

async function limitsOf(task: string): Promise<{ in_use: number; waiting: number }[]> {
  const { limits } = LIMITS.parse(await (await stage.peach.call("/api/v1/limits")).json());
  return limits.filter((limit) => limit.task === task);
}

describe("a limit of three", () => {
  it(
    "a limit of three holds over all runs while the whole runtime is killed twice; all finish, and every slot is free",
    LONG,
    async () => {
      const runIds = await triggerMany(
        "three",
        Array.from({ length: 24 }, () => null),
      );
      const killedAt: number[] = [];
      for (const begun of [4, 10]) {
        await vi.waitFor(() => expect(startsOf("three").length).toBeGreaterThanOrEqual(begun), { timeout: 60_000 });
        await stage.kill();
        killedAt.push(Date.now());
        await stage.restart();
      }
      const runs = await finished(runIds);
      expect(runs.map(({ status }) => status)).toEqual(runs.map(() => "succeeded"));
      expect(mostAtOnce("three", "", killedAt)).toBeLessThanOrEqual(3);
      expect(mostAtOnce("three", "", killedAt)).toBeGreaterThan(1);
      await vi.waitFor(async () => expect(await limitsOf("three")).toMatchObject([{ in_use: 0, waiting: 0 }]), {
        timeout: 60_000,
      });
    },
  );
});

describe("a limit with a key", () => {
  it("a limit with a key goes by what the upstream task has passed", LONG, async () => {
    const users = ["ann", "bea", "ann", "bea", "ann", "cleo"];
    const runs = await finished(
      await triggerMany(
        "ask",
        users.map((user) => ({ user })),
      ),
    );
    expect(runs.map(({ status }) => status)).toEqual(runs.map(() => "succeeded"));
    for (const user of ["ann", "bea", "cleo"]) expect(mostAtOnce("one_each", user)).toBe(1);
  });
});

describe("a rate limit of five in two seconds", () => {
  it(
    "a rate limit of five in two seconds starts no more than five in any two seconds, and loses none of fifteen",
    LONG,
    async () => {
      const runs = await finished(
        await triggerMany(
          "rated",
          Array.from({ length: 15 }, () => null),
        ),
      );
      const starts = runs
        .map((run) => Date.parse(taskOf(run, "rated").attempts[0]?.started_at ?? ""))
        .toSorted((a, b) => a - b);
      expect(startsOf("rated")).toHaveLength(15);
      for (const [index, at] of starts.entries()) {
        const before = starts[index - 5];
        if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(2_000);
      }
    },
  );
});

describe("a task that runs once per item", () => {
  it(
    "a task that runs once per item has no more items at a time than its limit, each once, and its array is in order",
    LONG,
    async () => {
      const [run] = await finished(await triggerMany("list", [null]));
      if (run === undefined) throw new Error("no run");
      expect(run.status).toBe("succeeded");
      expect(await (await stage.peach.payload(run.run_id, "sum")).json()).toBe(15);
      const starts = stage.recorder.of(run.run_id, "start", "items");
      expect(starts).toHaveLength(6);
      const ends = stage.recorder.of(run.run_id, "end", "items").map(({ at }) => at);
      for (const { at } of starts) {
        const begun = starts.filter((start) => start.at <= at).length;
        expect(begun - ends.filter((end) => end <= at).length).toBeLessThanOrEqual(2);
      }
    },
  );

  it("a task that runs once per item has one at a time for each key of its items", LONG, async () => {
    const [run] = await finished(await triggerMany("users", [null]));
    if (run === undefined) throw new Error("no run");
    expect(run.status).toBe("succeeded");
    for (const user of ["ann", "bea"]) {
      const of = (event: string): number[] =>
        stage.recorder
          .of(run.run_id, event, "user_items")
          .filter((report) => report.data === user)
          .map(({ at }) => at);
      const [starts, ends] = [of("start"), of("end")];
      expect(starts).toHaveLength(user === "ann" ? 3 : 2);
      for (const [index, at] of starts.entries())
        if (index > 0) expect(at).toBeGreaterThanOrEqual(ends[index - 1] ?? 0);
    }
  });
});

describe("cancel_running", () => {
  it("cancel_running tells the oldest attempt to stop, and starts the new one when it has", LONG, async () => {
    const [old = ""] = await triggerMany("newest", [null]);
    await vi.waitFor(() => expect(stage.recorder.of(old, "start")).toHaveLength(1), { timeout: 30_000 });
    const [fresh = ""] = await triggerMany("newest", [null]);
    const [given, taken] = await finished([old, fresh]);
    expect(given?.tasks[0]).toMatchObject({ status: "cancelled", reason: "concurrency" });
    expect(taken?.status).toBe("succeeded");
    const ended = stage.recorder.of(old, "end")[0];
    const began = stage.recorder.of(fresh, "start")[0];
    expect(began?.at).toBeGreaterThanOrEqual(ended?.at ?? Number.POSITIVE_INFINITY);
  });
});

describe("a paused task", () => {
  it("a paused task is held back across a SIGKILL, and runs when it is resumed", LONG, async () => {
    const paused = await stage.peach.call("/api/v1/tasks/paused/pause", { method: "POST" });
    expect(await paused.json()).toMatchObject({ task: "paused", paused: { by: "api" } });
    const [before = ""] = await triggerMany("paused", [null]);
    await isHeld(before);
    await stage.kill();
    await stage.restart();
    const [after = ""] = await triggerMany("paused", [null]);
    await isHeld(before);
    await isHeld(after);
    expect(startsOf("paused")).toEqual([]);
    await stage.peach.call("/api/v1/tasks/paused/resume", { method: "POST" });
    const runs = await finished([before, after]);
    expect(runs.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
  });
});

async function isHeld(runId: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const run = HELD.parse(await (await stage.peach.call(`/api/v1/runs/${runId}`)).json());
      expect(run.tasks[0]?.waiting_for).toMatchObject({ for: "pause" });
    },
    { timeout: 30_000 },
  );
}

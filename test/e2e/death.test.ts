import { beforeAll, describe, expect, it, vi } from "vitest";
import { taskOf, type RunDocument, type TaskDocument } from "./peach.ts";
import { Stage } from "./stage.ts";

/** Before the first kill; then as many again, of which none can have ended when it comes. */
const RUNS = 10;
const WAIT = { timeout: 60_000, interval: 20 };
/** A lease of 3 s and its grace, then what is left of the run; generous, since the machine may be busy. */
const RECOVERY_MS = 60_000;

const READ_BY_FOURTH = { fourth: { third: { second: { first: "chain" } } } };
const READ_BY_JOIN = { join: { left: { left: { top: "diamond" } }, right: { right: { top: "diamond" } } } };

describe(`the whole runtime is killed in the middle of ${2 * RUNS} runs, and again while it recovers`, () => {
  /** All that was accepted. */
  const runIds: string[] = [];
  /** What the API showed of each run just before a kill. */
  const seen: { readonly at: number; readonly run: RunDocument }[] = [];
  let stage: Stage;
  let longRun = "";
  beforeAll(async () => {
    stage = await Stage.openAsPeopleDo("death");
    return () => stage.close();
  });

  it("finishes all of them by itself, started again on the same state", { timeout: 240_000 }, async () => {
    ({ run_id: longRun } = await stage.peach.trigger("long"));
    await trigger(RUNS);
    await traces("end", 15);
    await traces("start", 1, longRun);
    await look();
    // A look takes time, in which on a busy machine all that was begun ends.
    const fresh = await trigger(RUNS);
    await vi.waitFor(
      () => expect(fresh.some((runId) => stage.recorder.of(runId, "start").length > 0)).toBe(true),
      WAIT,
    );
    await stage.kill();

    const endedBefore = stage.recorder.reports("end").length;
    await stage.restart();
    await traces("end", endedBefore + 5);
    await traces("start", 2, longRun);
    await look();
    // Accepted, and nothing more: not one of their tasks may have started.
    await trigger(5);
    await stage.kill();

    const restartedAt = Date.now();
    const longStarts = stage.recorder.of(longRun, "start").length;
    await stage.restart();
    await traces("start", longStarts + 1, longRun);
    const again = stage.recorder.of(longRun, "start").at(-1)?.at ?? Number.POSITIVE_INFINITY;
    console.log(`a long task was started again ${((again - restartedAt) / 1_000).toFixed(1)} s after the restart`);
    expect(again - restartedAt).toBeLessThan(30_000);
    await stage.recorder.openOnceReached("long");

    const runs = await Promise.all([longRun, ...runIds].map((runId) => stage.peach.finished(runId, RECOVERY_MS)));
    expect(runs.map(({ status }) => status)).toEqual(runs.map(() => "succeeded"));
    console.log(`all finished ${((Date.now() - restartedAt) / 1_000).toFixed(1)} s after the last restart`);
  });

  it("gives each task what its upstream tasks passed", async () => {
    for (const runId of runIds) {
      const { task } = await stage.peach.run(runId);
      const last = await stage.peach.payload(runId, task === "top" ? "join" : "fourth");
      expect(await last.json()).toEqual(task === "top" ? READ_BY_JOIN : READ_BY_FOURTH);
    }
  });

  it("ran nothing again that the API had shown as succeeded", async () => {
    const final = seen.flatMap(({ at, run }) => run.tasks.filter(isSucceeded).map((task) => ({ at, run, task })));
    expect(final.length).toBeGreaterThan(15);
    for (const { at, run, task } of final) {
      const later = stage.recorder.of(run.run_id, "start", task.task).filter((report) => report.at > at);
      expect([run.run_id, task.task, later]).toEqual([run.run_id, task.task, []]);
      expect(taskOf(await stage.peach.run(run.run_id), task.task)).toEqual(task);
    }
  });

  it("counts what was lost as lost, not against the retries", async () => {
    const runs = await Promise.all([longRun, ...runIds].map((runId) => stage.peach.run(runId)));
    const attempts = runs.flatMap(({ tasks }) => tasks.flatMap((task) => task.attempts.map(({ status }) => status)));
    expect(new Set(attempts)).toEqual(new Set(["succeeded", "lost"]));
    const [long] = runs;
    expect(long?.tasks[0]?.attempts.map(({ status }) => status)).toEqual(["lost", "lost", "succeeded"]);
  });

  async function trigger(count: number): Promise<string[]> {
    const accepted = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        index % 2 === 0 ? stage.peach.trigger("first", "chain") : stage.peach.trigger("top", "diamond"),
      ),
    );
    const triggered = accepted.map(({ run_id }) => run_id);
    runIds.push(...triggered);
    return triggered;
  }

  async function traces(event: string, count: number, run?: string): Promise<void> {
    const left = (): number =>
      (run === undefined ? stage.recorder.reports(event) : stage.recorder.of(run, event)).length;
    await vi.waitFor(() => expect(left()).toBeGreaterThanOrEqual(count), WAIT);
  }

  async function look(): Promise<void> {
    for (const runId of runIds) {
      const run = await stage.peach.run(runId);
      seen.push({ at: Date.now(), run });
    }
  }
});

describe("the whole runtime is killed with a task in a driver", () => {
  /** A new life of its run looks 8 s after the lease was given, listens for 4 s, and pauses up to 2 s; the rest is for a busy machine. */
  const AGAIN_MS = 28_000;
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.openAsPeopleDo("death");
    return () => stage.close();
  });

  it("which is started again long before its lease has run out", { timeout: 120_000 }, async () => {
    const { run_id: runId } = await stage.peach.trigger("short");
    const starts = (): readonly { readonly at: number }[] => stage.recorder.of(runId, "start");
    await vi.waitFor(() => expect(starts()).toHaveLength(1), WAIT);
    await stage.kill();
    await stage.restart();
    // Nobody asks for the run meanwhile: that would have it look at once.
    await vi.waitFor(() => expect(starts()).toHaveLength(2), WAIT);
    const [first = 0, second = Number.POSITIVE_INFINITY] = starts().map(({ at }) => at);
    console.log(`a short task was started again ${((second - first) / 1_000).toFixed(1)} s after it was begun first`);
    expect(second - first).toBeLessThan(AGAIN_MS);
    await stage.recorder.openOnceReached("short");
    const run = await stage.peach.finished(runId, RECOVERY_MS);
    expect(run.status).toBe("succeeded");
    expect(run.tasks[0]?.attempts.map(({ status }) => status)).toEqual(["lost", "succeeded"]);
  });
});

function isSucceeded({ status }: TaskDocument): boolean {
  return status === "succeeded";
}

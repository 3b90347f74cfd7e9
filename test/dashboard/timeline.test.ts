import { describe, expect, it } from "vitest";
import { type TimedRun, timelineOf } from "../../src/dashboard/timeline.ts";
import { at, attempt, task, time } from "./support.ts";

function run(tasks: TimedRun["tasks"], finishedAt: number | null = null): TimedRun {
  return {
    created_at: at(0),
    started_at: at(10),
    finished_at: finishedAt === null ? null : at(finishedAt),
    tasks,
  };
}

/** Each segment as `kind from-to`. */
function drawn(timed: TimedRun, now = 0): Record<string, string[]> {
  const { rows, from } = timelineOf(timed, time(now));
  return Object.fromEntries(
    rows.map(({ task: name, segments }) => [
      name,
      segments.map((segment) => {
        const word = segment.kind === "attempt" ? segment.status : segment.kind;
        return `${word} ${segment.from - from}-${segment.to - from}`;
      }),
    ]),
  );
}

/** The tasks on the critical path. */
function critical(timed: TimedRun, now = 0): string[] {
  return timelineOf(timed, time(now)).rows.flatMap(({ task: name, isCritical }) => (isCritical ? [name] : []));
}

//  a ──> b ──┐
//  └───> c ──┴──> d
const DIAMOND = [
  task("a", { attempts: [attempt(10, 100)] }),
  task("b", { upstream: ["a"], attempts: [attempt(110, 200)] }),
  task("c", { upstream: ["a"], attempts: [attempt(120, 500)] }),
  task("d", { upstream: ["b", "c"], attempts: [attempt(520, 600)] }),
];

describe("a timeline", () => {
  it("a timeline tells the time in the queue from the time of the attempt, from when the upstream tasks were done", () => {
    expect(drawn(run(DIAMOND, 600))).toEqual({
      a: ["queued 0-10", "succeeded 10-100"],
      b: ["queued 100-110", "succeeded 110-200"],
      c: ["queued 100-120", "succeeded 120-500"],
      d: ["queued 500-520", "succeeded 520-600"],
    });
  });

  it("a timeline tells the wait for the next attempt, and the attempts by how they ended", () => {
    const attempts = [
      attempt(10, 50, { status: "failed" }),
      attempt(150, 160, { attempt: 2, status: "lost" }),
      attempt(170, null, { attempt: 3 }),
    ];
    expect(drawn(run([task("a", { status: "running", attempts })]), 300)).toEqual({
      a: ["queued 0-10", "failed 10-50", "retry 50-150", "lost 150-160", "retry 160-170", "running 170-300"],
    });
  });

  it("a timeline tells the wait for another run from the wait for the next attempt", () => {
    const attempts = [attempt(10, 50, { status: "suspended" }), attempt(150, 160, { attempt: 2 })];
    expect(drawn(run([task("a", { attempts })], 160))).toEqual({
      a: ["queued 0-10", "suspended 10-50", "waiting 50-150", "succeeded 150-160"],
    });
  });

  it("a timeline lets what waits grow until now", () => {
    const tasks = [
      task("a", { attempts: [attempt(10, 100)] }),
      task("q", { status: "queued", upstream: ["a"] }),
      task("r", { status: "retrying", upstream: ["a"], attempts: [attempt(100, 120, { status: "failed" })] }),
      task("w", { status: "waiting", upstream: ["a"], attempts: [attempt(110, null)] }),
      task("p", { status: "pending", upstream: ["q"] }),
    ];
    expect(drawn(run(tasks), 400)).toEqual({
      a: ["queued 0-10", "succeeded 10-100"],
      q: ["queued 100-400"],
      r: ["failed 100-120", "retry 120-400"],
      w: ["queued 100-110", "waiting 110-400"],
      p: [],
    });
  });

  it("a timeline counts what was skipped as done when what it waited for was", () => {
    const tasks = [
      task("a", { attempts: [attempt(10, 100)] }),
      task("s", { status: "skipped", upstream: ["a"] }),
      task("b", { upstream: ["s"], attempts: [attempt(130, 200)] }),
    ];
    expect(drawn(run(tasks, 200))["b"]).toEqual(["queued 100-130", "succeeded 130-200"]);
  });

  it("a timeline leaves out the time until a user retried the run, and has a break there", () => {
    const attempts = [attempt(10, 1_000, { status: "failed" }), attempt(380_000, 381_000, { attempt: 2 })];
    const retried = run(
      [
        task("a", { attempts, retried_after: 1 }),
        task("b", { upstream: ["a"], attempts: [attempt(381_000, 382_000)] }),
      ],
      382_000,
    );
    expect(drawn(retried)["a"]).toEqual(["queued 0-10", "failed 10-1000", "succeeded 380000-381000"]);
    expect(timelineOf(retried, 0).breaks).toEqual([{ from: time(1_000), to: time(380_000) }]);
    const backoff = run([task("a", { attempts })], 382_000);
    expect(drawn(backoff)["a"]?.[2]).toBe("retry 1000-380000");
    expect(timelineOf(backoff, 0).breaks).toEqual([]);
  });

  it("a timeline has no break while another task works", () => {
    const tasks = [
      task("a", {
        attempts: [attempt(0, 10, { status: "failed" }), attempt(9_000, 9_100, { attempt: 2 })],
        retried_after: 1,
      }),
      task("b", { attempts: [attempt(0, 8_000)] }),
    ];
    expect(timelineOf(run(tasks, 9_100), 0).breaks).toEqual([]);
  });

  it("a timeline keeps the wait of a task that was completed, or cancelled while it waited for a run", () => {
    const tasks = [
      task("approve", { external: true, attempts: [attempt(10, 383_000)] }),
      task("child", { status: "cancelled", attempts: [attempt(10, 50, { status: "suspended" })] }),
    ];
    expect(drawn(run(tasks, 400_000))).toEqual({
      approve: ["queued 0-10", "waiting 10-383000"],
      child: ["queued 0-10", "suspended 10-50", "waiting 50-400000"],
    });
  });

  it("a timeline shows the items of a map, from when it could start until its own attempt or now", () => {
    const each = { total: 10_000, succeeded: 1_644, failed: 0, running: 40 };
    const map = task("map", { status: "running", upstream: ["a"], each });
    const a = task("a", { attempts: [attempt(0, 100)] });
    expect(drawn(run([a, map]), 5_000)["map"]).toEqual(["items 100-5000"]);
    const ended = { ...map, status: "succeeded" as const, attempts: [attempt(8_000, 8_200)] };
    expect(drawn(run([a, ended], 8_200))["map"]).toEqual(["items 100-8000", "succeeded 8000-8200"]);
  });

  it("a timeline knows when the next attempt of a task starts", () => {
    const failed = [attempt(0, 100, { status: "failed" })];
    const tasks = [
      task("r", { status: "retrying", attempts: failed, next_attempt_at: at(600_000) }),
      task("s", { attempts: failed }),
    ];
    expect(timelineOf(run(tasks), time(200)).rows.map(({ nextAt }) => nextAt)).toEqual([time(600_000), null]);
  });

  it("a timeline ends with the run, or now, and is never empty", () => {
    const spanOf = (timed: TimedRun, now: number): number => {
      const { from, to } = timelineOf(timed, time(now));
      return to - from;
    };
    expect(spanOf(run(DIAMOND, 600), 10_000)).toBe(600);
    expect(spanOf(run([task("a", { status: "queued" })]), 70)).toBe(70);
    expect(spanOf(run([]), -5)).toBe(1);
  });
});

describe("the critical path", () => {
  it("the critical path goes from the task that ended last to the root by what ended last before it", () => {
    expect(critical(run(DIAMOND, 600))).toEqual(["a", "c", "d"]);
  });

  it("the critical path goes through what runs now", () => {
    const tasks = [
      task("a", { attempts: [attempt(10, 100)] }),
      task("b", { upstream: ["a"], attempts: [attempt(110, 200)] }),
      task("c", { status: "running", upstream: ["a"], attempts: [attempt(110, null)] }),
    ];
    expect(critical(run(tasks), 250)).toEqual(["a", "c"]);
  });

  it("the critical path has no task that never started, and ends where it comes round to one that it has", () => {
    const tasks = [task("a", { attempts: [attempt(10, 100)] }), task("s", { status: "skipped", upstream: ["a"] })];
    expect(critical(run(tasks, 100))).toEqual(["a"]);
    const circle = [
      task("x", { upstream: ["y"], attempts: [attempt(0, 10)] }),
      task("y", { upstream: ["x"], attempts: [attempt(0, 20)] }),
    ];
    expect(critical(run(circle, 20))).toEqual(["x", "y"]);
  });
});

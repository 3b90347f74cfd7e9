import { describe, expect, it } from "vitest";
import { LEASE_GRACE_MS } from "../../../src/domain/plan/run-graph.ts";
import { nextWakeAt } from "../../../src/domain/run/machine.ts";
import type { TaskState } from "../../../src/domain/run/task-state.ts";
import type { MachineEvent } from "../../../src/domain/run/machine-events.ts";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import { failed, FRESH_DRIVER, lost, Play, succeeded, TIMED_OUT } from "../../support/run-play.ts";

/** `r > t`: the root has succeeded, and `t` is in the status; for `pending`, the root runs. */
const IN_STATUS: Readonly<Record<string, () => Play>> = {
  pending: () => {
    const play = new Play("r > t");
    play.claim();
    return play;
  },
  queued: () => rooted(() => {}),
  running: () => rooted((play) => play.claim()),
  retrying: () =>
    rooted((play) => {
      play.claim();
      play.settle("t", failed());
    }),
  succeeded: () =>
    rooted((play) => {
      play.claim();
      play.settle("t", succeeded());
    }),
  failed: () =>
    rooted((play) => {
      play.claim();
      play.settle("t", failed({ retryable: false }));
    }),
  skipped: () => {
    const play = new Play("r > t");
    play.claim();
    play.settle("r", failed());
    return play;
  },
  cancelled: () =>
    rooted((play) => {
      play.cancel();
    }),
};

function rooted(then: (play: Play) => void): Play {
  const play = new Play("r > t", { t: { retries: 1 } });
  play.claim();
  play.settle("r", succeeded());
  then(play);
  return play;
}

const EVENTS: Readonly<Record<string, (play: Play) => MachineEvent>> = {
  accepted: () => ({ type: "accepted", claim: null }),
  claimed: () => ({ type: "claimed", claim: FRESH_DRIVER }),
  "claimed, short": () => ({ type: "claimed", claim: { holding: 0, budgetMs: 10 } }),
  begun: () => ({ type: "begun", ordinal: 1, holder: "executor" }),
  "settled: succeeded": (play) => settled(play, succeeded()),
  "settled: failed": (play) => settled(play, failed()),
  "settled: timed_out": (play) => settled(play, TIMED_OUT),
  "settled: lost": (play) => settled(play, lost("surroundings")),
  "settled, old token": (play) => settled(play, succeeded(), -1),
  woken: () => ({ type: "woken" }),
  "woken, late": (play) => {
    play.now = play.run.open === 0 ? play.now + 1 : nextWakeAt(play.run);
    return { type: "woken" };
  },
  cancelled: () => ({ type: "cancelled" }),
};

/** A settle of `t` with the token that was handed out last, which is the current one where `t` runs. */
function settled(play: Play, outcome: ReturnType<typeof succeeded>, tokenOffset = 0): MachineEvent {
  const attempt = Math.max(1, play.attemptsOf("t").length);
  const lease = { ordinal: 1, attempt, token: play.run.lastToken + tokenOffset };
  return { type: "settled", attempts: [{ ...lease, outcome, children: [], logs: null }], claim: null };
}

const COLUMNS = [
  "accepted",
  "claimed",
  "claimed, short",
  "begun",
  "settled: succeeded",
  "settled: failed",
  "settled: timed_out",
  "settled: lost",
  "settled, old token",
  "woken",
  "woken, late",
  "cancelled",
];
/** What becomes of `t`, with the reason if the event was rejected. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  pending: [
    "pending (already_accepted)",
    "pending (no_work)",
    "pending (no_work)",
    "pending (stale_lease)",
    "pending (stale_lease)",
    "pending (stale_lease)",
    "pending (stale_lease)",
    "pending (stale_lease)",
    "pending (stale_lease)",
    "pending (not_due)",
    "pending",
    "cancelled",
  ],
  queued: [
    "queued (already_accepted)",
    "running",
    "queued",
    "running",
    "queued (stale_lease)",
    "queued (stale_lease)",
    "queued (stale_lease)",
    "queued (stale_lease)",
    "queued (stale_lease)",
    "queued (not_due)",
    "queued",
    "cancelled",
  ],
  running: [
    "running (already_accepted)",
    "running (no_work)",
    "running (no_work)",
    "running (stale_lease)",
    "succeeded",
    "retrying",
    "retrying",
    "queued",
    "running (stale_lease)",
    "running (not_due)",
    "retrying",
    "cancelled",
  ],
  retrying: [
    "retrying (already_accepted)",
    "retrying (no_work)",
    "retrying (no_work)",
    "retrying (stale_lease)",
    "retrying (stale_lease)",
    "retrying (stale_lease)",
    "retrying (stale_lease)",
    "retrying (stale_lease)",
    "retrying (stale_lease)",
    "retrying (not_due)",
    "queued",
    "cancelled",
  ],
  succeeded: final("succeeded"),
  failed: final("failed"),
  skipped: final("skipped"),
  cancelled: final("cancelled"),
};

function final(status: TaskState["status"]): string[] {
  const reasons = [
    "already_accepted",
    "no_work",
    "no_work",
    ...Array.from({ length: 6 }, () => "stale_lease"),
    "not_due",
    "not_due",
    "run_final",
  ];
  return reasons.map((reason) => `${status} (${reason})`);
}

describe("a task's status and an event", () => {
  for (const [status, results] of Object.entries(TABLE)) {
    it.each(COLUMNS.map((column, index) => [column, results[index]]))(`${status}, %s: %s`, (column = "", result) => {
      const play = IN_STATUS[status]?.() ?? new Play("r > t");
      expect(play.statuses["t"]).toBe(status);
      const event = EVENTS[column]?.(play) ?? { type: "woken" };
      const { rejections, change, effects, leases } = play.event(event);
      const reasons = rejections.length === 0 ? "" : ` (${rejections.join(", ")})`;
      expect(`${play.statuses["t"]}${reasons}`).toBe(result);
      if (rejections.length > 0) expect({ change, effects, leases }).toEqual({ change: null, effects: [], leases: [] });
    });
  }

  it("the machine ignores a settle and a begin of a task that does not exist", () => {
    const play = new Play("a");
    for (const ordinal of [-1, 1, 0.5, Number.NaN]) {
      expect(play.event({ type: "begun", ordinal, holder: "x" }).rejections).toEqual(["no_such_task"]);
      const attempt = { ordinal, attempt: 1, token: 1, outcome: succeeded(), children: [], logs: null };
      expect(play.event({ type: "settled", attempts: [attempt], claim: null }).rejections).toEqual(["no_such_task"]);
    }
  });

  it("the machine takes the first of two settles of one lease in one call", () => {
    const play = new Play("a");
    play.claim();
    const lease = { ...play.leaseOf("a"), children: [], logs: null };
    const attempts = [
      { ...lease, outcome: succeeded("first") },
      { ...lease, outcome: failed() },
    ];
    expect(play.event({ type: "settled", attempts, claim: null }).rejections).toEqual(["stale_lease"]);
    expect(play.stateOf("a")).toMatchObject({ status: "succeeded", passed: { output: { key: "first" } } });
  });
});

describe("the order of tasks", () => {
  it("a chain runs one task after the other, each settle handing out the next", () => {
    // a ─▶ b ─▶ c
    const play = new Play("a > b, b > c", {}, { claim: FRESH_DRIVER });
    expect(play.last.leases).toEqual([{ ordinal: 0, attempt: 1, token: 1 }]);
    for (const [task, next] of [
      ["a", 1],
      ["b", 2],
    ] as const) {
      const { leases, effects } = play.settle(task, succeeded(), FRESH_DRIVER);
      expect(leases).toEqual([{ ordinal: next, attempt: 1, token: next + 1 }]);
      expect(effects).toEqual([]);
    }
    expect(play.settle("c", succeeded(), FRESH_DRIVER).effects).toEqual([{ type: "finished" }]);
    expect(play.run.status).toBe("succeeded");
  });

  it("a join starts once, after the last of its parents", () => {
    //     ┌─▶ b ─┐
    //  a ─┤      ├─▶ d
    //     └─▶ c ─┘
    const play = new Play("a > b c, b > d, c > d");
    play.claim();
    expect(play.settle("a", succeeded(), FRESH_DRIVER).leases.map(({ ordinal }) => play.nameOf(ordinal))).toEqual([
      "b",
      "c",
    ]);
    expect(play.settle("c", succeeded(), FRESH_DRIVER).leases).toEqual([]);
    expect(play.statuses["d"]).toBe("pending");
    expect(play.settle("b", succeeded(), FRESH_DRIVER).leases.map(({ ordinal }) => play.nameOf(ordinal))).toEqual([
      "d",
    ]);
    expect(play.attemptsOf("d")).toEqual(["running"]);
  });

  it("a join whose parents end in the same call starts once", () => {
    const play = new Play("a > b c, b > d, c > d");
    play.claim();
    play.settle("a", succeeded(), FRESH_DRIVER);
    const attempts = ["b", "c"].map((task) => ({
      ...play.leaseOf(task),
      outcome: succeeded(),
      children: [],
      logs: null,
    }));
    const { leases } = play.event({ type: "settled", attempts, claim: FRESH_DRIVER });
    expect(leases).toEqual([{ ordinal: 3, attempt: 1, token: 4 }]);
  });

  it("a join over paths of unequal length starts after the longest", () => {
    //  a ─▶ b ─▶ c ─▶ d
    //  └──────────────▲
    const play = new Play("a > b d, b > c, c > d");
    const order: string[] = [];
    for (let granted = play.claim(); granted.length > 0; granted = play.claim()) {
      order.push(granted.join("+"));
      for (const task of granted) play.settle(task, succeeded());
    }
    expect(order).toEqual(["a", "b", "c", "d"]);
  });
});

describe("failure and skip", () => {
  it("a failure skips what can not start any more, with the reason, and lets the other branch go on", () => {
    //     ┌─▶ b (fails) ─▶ c ─▶ d
    //  a ─┤                └────▶ f
    //     └─▶ e ───────────────▶ f
    const play = new Play("a > b e, b > c, c > d f, e > f");
    play.claim();
    play.settle("a", succeeded());
    play.claim();
    play.settle("b", failed());
    expect(play.statuses).toEqual({
      a: "succeeded",
      b: "failed",
      c: "skipped",
      d: "skipped",
      f: "skipped",
      e: "running",
    });
    expect(play.stateOf("c")).toMatchObject({ reason: "upstream_failed" });
    expect(play.stateOf("d")).toMatchObject({ reason: "upstream_failed" });
    expect(play.stateOf("f")).toMatchObject({ reason: "upstream_failed" });
    expect(play.run.status).toBe("running");
    expect(play.settle("e", succeeded()).effects).toEqual([{ type: "finished" }]);
    expect(play.run.status).toBe("failed");
  });

  it("a join is skipped once when both of its parents fail", () => {
    const play = new Play("a > b c, b > d, c > d");
    play.claim();
    play.settle("a", succeeded(), FRESH_DRIVER);
    play.settle("b", failed());
    const { change } = play.settle("c", failed());
    expect(change?.tasks.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["c"]);
    expect(play.run).toMatchObject({ status: "failed", open: 0 });
  });

  it("a chain of 5,000 tasks is skipped without running out of stack", () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `t${index}`);
    const play = new Play(names.map((name, index) => `${name} > ${names[index + 1] ?? ""}`).join(","));
    play.claim();
    play.settle("t0", failed());
    expect(play.run).toMatchObject({ status: "failed", open: 0 });
    expect(play.statuses["t4999"]).toBe("skipped");
  });
});

describe("cancelling", () => {
  it("cancelling ends every task that is not final, and leaves the others as they are", () => {
    const play = new Play("a > b c d, b > e", { c: { retries: 1 } });
    play.claim();
    play.settle("a", succeeded());
    play.claim();
    play.settle("c", failed());
    play.settle("d", failed());
    play.cancel();
    expect(play.statuses).toEqual({ a: "succeeded", b: "cancelled", c: "cancelled", d: "failed", e: "cancelled" });
    expect(play.run).toMatchObject({ status: "cancelled", finishedAt: play.now, open: 0 });
    expect(play.attemptsOf("b")).toEqual(["cancelled"]);
    const recorded = play.last.change?.tasks.filter(({ attempts }) => attempts.length > 0);
    expect(recorded?.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["b"]);
    expect(play.last.effects).toEqual([{ type: "finished" }]);
  });

  it("cancelling changes nothing in a run that is final", () => {
    const play = new Play("a");
    play.succeedAll();
    expect(play.cancel()).toEqual({ change: null, effects: [], leases: [], rejections: ["run_final"] });
  });

  it("cancelling ends a running attempt no earlier than it started, though the clock was set back", () => {
    const play = new Play("a");
    play.claim();
    const startedAt = play.now;
    play.now -= 60_000;
    play.cancel();
    expect(play.run.tasks[0]?.attempts[0]).toMatchObject({ status: "cancelled", startedAt, finishedAt: startedAt });
    expect(play.run.finishedAt).toBe(startedAt);
  });

  it("cancelling is final, also where a task had failed before: what comes late does not end the run once more", () => {
    const play = new Play("a > b c");
    play.claim();
    play.settle("a", succeeded());
    play.claim();
    play.settle("b", failed({ retryable: false }));
    play.cancel();
    play.claim();
    expect(play.last).toEqual({ change: null, effects: [], leases: [], rejections: ["no_work"] });
    expect(play.run.status).toBe("cancelled");
  });

  it("cancelling cancels a run that nobody has started", () => {
    const play = new Play("a > b");
    play.cancel();
    expect(play.run).toMatchObject({ status: "cancelled", startedAt: null });
  });
});

describe("the run", () => {
  it("the run is queued until its first lease, then running, and knows when it started and ended", () => {
    const play = new Play("a");
    expect(play.run).toMatchObject({ status: "queued", createdAt: 1_000_000, startedAt: null, finishedAt: null });
    play.now += 500;
    play.claim();
    expect(play.run).toMatchObject({ status: "running", startedAt: 1_000_500, finishedAt: null });
    play.now += 500;
    play.settle("a", succeeded());
    expect(play.run).toMatchObject({ status: "succeeded", startedAt: 1_000_500, finishedAt: 1_001_000 });
  });

  it("the run runs at once when the recording invocation drives it", () => {
    const play = new Play("a", {}, { claim: FRESH_DRIVER });
    expect(play.run).toMatchObject({ status: "running", startedAt: play.now });
    expect(play.effects("dispatch")).toEqual([]);
  });

  it("the run is due as soon as any of its tasks is, in whatever order they became active", () => {
    const LONG_FIRST = { b: { timeoutMs: 20_000 }, c: { timeoutMs: 5_000 }, d: { timeoutMs: 9_000 } };
    const play = new Play("a > b c d", LONG_FIRST);
    play.claim();
    play.settle("a", succeeded(), FRESH_DRIVER);
    expect(nextWakeAt(play.run)).toBe(play.now + 5_000 + LEASE_GRACE_MS);
  });

  it("the run is due, when it is final, at the end of its retention", () => {
    const play = new Play("a");
    play.succeedAll();
    expect(nextWakeAt(play.run)).toBe(play.now + play.run.graph.retentionMs);
  });

  it("the run lists each child run once, however many attempts found it", () => {
    const child = { runId: runIdFromBytes(new Uint8Array(16).fill(1)), task: "x" };
    const play = new Play("a > b", { a: { retries: { limit: 1, delayMs: 0 } } });
    play.claim();
    play.settle("a", failed(), FRESH_DRIVER, [child]);
    play.settle("a", succeeded(), FRESH_DRIVER, [child, child]);
    play.settle("b", succeeded(), null, [child, { ...child, runId: runIdFromBytes(new Uint8Array(16).fill(2)) }]);
    expect(play.run.children.map(({ task }) => task)).toEqual(["x", "x"]);
    expect(new Set(play.run.children.map(({ runId }) => runId)).size).toBe(2);
  });

  it("the run ignores the children of a stale attempt", () => {
    const play = new Play("a");
    play.claim();
    const attempt = {
      ...play.leaseOf("a"),
      token: 99,
      outcome: succeeded(),
      logs: null,
      children: [{ runId: play.run.id, task: "x" }],
    };
    play.event({ type: "settled", attempts: [attempt], claim: null });
    expect(play.run.children).toEqual([]);
  });
});

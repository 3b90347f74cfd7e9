import { describe, expect, it, vi } from "vitest";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import type { LimitKeys } from "../../../src/domain/limits/limit.ts";
import type { AwaitedRun } from "../../../src/domain/run/task-state.ts";
import { EventBackfill } from "../../../src/objects/run/event-backfill.ts";
import { DrivenRun } from "../../support/driven-run.ts";
import { inline, settlement, succeeded } from "../../support/settlements.ts";
import { graphOf } from "../../support/run-play.ts";

/** What a row holds on the platform, which enforces it where the local runtime does not. */
const ROW = 1_900_000;

const KEYED = {
  concurrency: { limit: 2, strategy: "queue", key: ["user"] },
  rateLimit: { limit: 100, perMs: 60_000, key: ["host"] },
  priority: ["urgency"],
} as const;

const ITEMS: readonly LimitKeys[] = Array.from({ length: 10_000 }, (_, index) => ({
  concurrency: JSON.stringify(`user-${String(index).padStart(8, "0")}@example.org`),
  rate_limit: JSON.stringify(`media-${index % 50}.cdn.example.org`),
  priority: index % 7,
}));

function child(number: number) {
  const bytes = Uint8Array.from({ length: 16 }, (_, byte) => (number >> (8 * byte)) & 255);
  return { runId: runIdFromBytes(bytes), task: "child" };
}

/** a ─▶ three tasks that run for each of ten thousand items, all with keyed limits. */
function wide(): DrivenRun {
  const each = { maxParallel: 10, onError: "continue" } as const;
  const names = ["transcode", "caption", "index"];
  const graph = graphOf(
    `a > ${names.join(" ")}`,
    Object.fromEntries(names.map((name) => [name, { limits: KEYED, each }])),
  );
  const run = new DrivenRun();
  const { leases } = run.accept({ graph });
  const output = {
    kind: "json",
    size: 900_000,
    contentType: "application/json",
    at: "r2",
    key: "k",
    length: 10_000,
  } as const;
  const limitKeys = Object.fromEntries(names.map((name) => [name, ITEMS]));
  run.settle(settlement(leases[0], { type: "succeeded", output, to: null, limitKeys }));
  return run;
}

describe("the journal of a run", () => {
  it("the journal of a run has no row that outgrows the platform's where wide arrays have limit keys, and gives every key back", () => {
    const run = wide();
    expect(run.journal().filter(({ bytes }) => bytes > ROW)).toEqual([]);
    expect(Math.max(...run.journal().flatMap(({ kind, bytes }) => (kind === "data" ? [] : [bytes])))).toBeLessThan(ROW);
    const asked = run.take("acquire_slot").map(({ limit }) => limit.key);
    expect(asked.slice(0, 2)).toEqual([ITEMS[0]?.concurrency, ITEMS[1]?.concurrency]);
    run.evict();
    const state = run.controller.load()?.tasks[0]?.state;
    expect(state?.status === "succeeded" ? state.passed.limitKeys : null).toEqual({
      transcode: ITEMS,
      caption: ITEMS,
      index: ITEMS,
    });
  });

  it("the journal of a run splits the array of a trigger, and what a replay has recorded, in the same way", () => {
    const graph = graphOf("a > b", { a: { limits: KEYED, each: { maxParallel: 10, onError: "fail" } } });
    const run = new DrivenRun();
    const recorded = [{ task: "b", parent: "x", payload: inline([1]), limitKeys: ITEMS }];
    run.accept({ graph, payload: inline(ITEMS.map(() => 0)), limitKeys: ITEMS, recorded });
    run.evict();
    expect(run.controller.load()?.limitKeys).toEqual(ITEMS);
    expect(run.controller.load()?.recorded?.[0]?.limitKeys).toEqual(ITEMS);
    expect(run.journal().filter(({ bytes }) => bytes > ROW)).toEqual([]);
  });

  it("the journal of a run cuts an entry that is too large for its row, such as twenty thousand awaited runs", () => {
    const run = new DrivenRun();
    const { leases } = run.accept({ graph: graphOf("a") });
    const children = Array.from({ length: 20_000 }, (_, number) => child(number));
    const awaits = children.map(({ runId, task }): AwaitedRun => ({
      runId,
      task,
      call: `${runId}/0`,
      until: run.now + 1e9,
    }));
    run.settle(settlement(leases[0], { type: "suspended", awaits }, { children }));
    expect(run.journal().length).toBeGreaterThan(2);
    expect(run.journal().filter(({ bytes }) => bytes > ROW)).toEqual([]);
    run.evict();
    expect(run.controller.load()?.children).toEqual(children);
    expect(run.controller.load()?.tasks[0]?.state).toMatchObject({ status: "waiting", awaits });
  });

  it("the journal of a run holds a run of twenty thousand tasks: what is accepted, all of them begun at once, and all cancelled at once", () => {
    const names = Array.from({ length: 19_999 }, (_, number) => `a_task_with_a_name_of_its_own_${number}`);
    const settings = Object.fromEntries(names.map((name) => [name, { timeoutMs: 60_000 }]));
    const run = new DrivenRun();
    const { leases } = run.accept({ graph: graphOf(`root > ${names.join(" ")}`, settings) });
    run.settle(succeeded(leases[0], 1));
    for (let ordinal = 1; ordinal < 2_000; ordinal += 1) run.controller.begin(ordinal, `holder ${ordinal}`);
    run.controller.cancel();
    expect(run.journal().filter(({ bytes }) => bytes > ROW)).toEqual([]);
    run.evict();
    const read = run.controller.load();
    expect(read?.tasks).toHaveLength(20_000);
    expect(read?.tasks.at(-1)?.task.name).toBe(names.at(-1));
    expect([read?.status, read?.open]).toEqual(["cancelled", 0]);
  });

  it("the journal of a run puts bytes and an entry that do not fit into one row into two", () => {
    const run = new DrivenRun();
    const { leases } = run.accept({ graph: graphOf("a > b") });
    const children = Array.from({ length: 15_000 }, (_, number) => child(number));
    const bytes = "x".repeat(1_400_000);
    run.settle({ ...succeeded(leases[0], bytes), children });
    expect(run.journal().filter((row) => row.bytes > ROW)).toEqual([]);
    run.evict();
    const state = run.controller.load()?.tasks[0]?.state;
    if (state?.status !== "succeeded" || state.passed.output.at !== "run") throw new Error("not kept");
    const { seq, offset, size } = state.passed.output;
    expect(new TextDecoder().decode(run.store.read(seq, offset, size) ?? new Uint8Array(0))).toBe(bytes);
  });

  it("the journal of a run refuses what could not be read back: the attempt fails with the reason, its neighbours do not", () => {
    const run = new DrivenRun();
    const { leases } = run.accept({ graph: graphOf("a > b c") });
    const { leases: two } = run.settle(succeeded(leases[0], 1));
    const children = Array.from({ length: 300_000 }, (_, number) => child(number));
    run.settle({ ...succeeded(two[0], 2), children }, succeeded(two[1], 3));
    run.evict();
    const loaded = run.controller.load();
    expect(loaded?.tasks.map(({ state }) => state.status)).toEqual(["succeeded", "failed", "succeeded"]);
    expect(loaded?.tasks[1]?.attempts).toMatchObject([
      { status: "failed", error: { name: "EntryTooLargeError", message: expect.stringContaining("at most 16000000") } },
    ]);
    expect(loaded?.children).toHaveLength(10_000);
  });
});

describe("the journal of a run that lives long", () => {
  const SHORT = { times: 1, leastBytes: 5_000 };

  /** A task that awaits another run so many times, two steps each time. */
  function rounds(run: DrivenRun, count: number): void {
    let { leases } = run.accept({ graph: graphOf("a > b"), payload: inline("the trigger") });
    for (let round = 0; round < count; round += 1) {
      const [lease] = leases;
      if (lease === undefined) throw new Error("no lease");
      const { runId } = child(round % 3);
      const awaits = [{ runId, task: "child", call: `${runId}/0`, until: run.now + 1e9 }];
      run.settle(settlement(lease, { type: "suspended", awaits }));
      run.now += 60_000;
      run.controller.awaited([{ runId, status: "succeeded", document: inline({ round }) }]);
      ({ leases } = run.controller.claim({ holding: 0, budgetMs: 28_000 }));
    }
    run.settle(succeeded(leases[0], "at last"));
  }

  it("the journal of a run that lives long is read back from what the run holds: the run is the same, what it refers to is there, and old entries are gone", () => {
    const [short, whole] = [new DrivenRun(SHORT), new DrivenRun()];
    rounds(short, 200);
    rounds(whole, 200);
    short.evict();
    whole.evict();
    expect(short.controller.load()).toEqual({
      ...whole.controller.load(),
      tasks: expect.anything(),
      payload: expect.anything(),
    });
    const tasksOf = (run: DrivenRun) =>
      run.controller.load()?.tasks.map(({ state, attempts }) => [state.status, attempts]);
    expect(tasksOf(short)).toEqual(tasksOf(whole));
    expect(short.journal().length).toBeLessThan(whole.journal().length / 2);
    const { payload } = short.controller.load() ?? {};
    if (payload?.at !== "run") throw new Error("no payload");
    const bytes = short.store.read(payload.seq, payload.offset, payload.size) ?? new Uint8Array(0);
    expect(new TextDecoder().decode(bytes)).toBe("the trigger");
  });

  it("the journal of a run that lives long of ten thousand items that wait for one key a week long has some hundred entries, and as few calls", async () => {
    const graph = graphOf("a > b", {
      b: {
        limits: { concurrency: { limit: 1, strategy: "queue", key: ["user"] }, rateLimit: null, priority: 0 },
        each: { maxParallel: 10_000, onError: "continue" },
      },
    });
    const run = new DrivenRun();
    const { leases } = run.accept({ graph });
    const output = {
      kind: "json",
      size: 9e5,
      contentType: "application/json",
      at: "r2",
      key: "k",
      length: 10_000,
    } as const;
    const limitKeys = { b: ITEMS.map(() => ({ concurrency: '"one"' })) };
    run.settle(settlement(leases[0], { type: "succeeded", output, to: null, limitKeys }));
    const begin = run.now;
    let asked = run.take("acquire_slot").length;
    while (run.now < begin + 7 * 86_400_000) {
      await run.wakeWhenDue();
      asked += run.take("acquire_slot").length;
    }
    expect(asked).toBeLessThan(700);
    expect(run.journal().length).toBeLessThan(800);
  });

  it("the journal of a run that lives long has no such record, and not a row more, where the run is over soon", () => {
    const run = new DrivenRun();
    rounds(run, 20);
    expect(run.journal().map(({ kind }) => kind)).not.toContain("state");
  });

  it("the journal of a run that lives long is told on to a listener that has heard all before the record, and as it is to one that has not", () => {
    const run = new DrivenRun(SHORT);
    rounds(run, 60);
    const record = run.journal().findLast(({ kind }) => kind === "state")?.seq ?? 0;
    const heardAfter = (after: number): string[] => {
      const asItIs = (): { id: number; event: "run"; data: string }[] => [{ id: 0, event: "run", data: "{}" }];
      const replay = new EventBackfill(run.store, after, { events: asItIs, progressOf: () => null });
      const heard: string[] = [];
      for (let batch = replay.next(); batch !== null; batch = replay.next()) {
        heard.push(...batch.events.map(({ event }) => event));
      }
      return heard;
    };
    const since = run.journal().filter(({ seq, kind }) => seq > record && kind === "change").length;
    expect(heardAfter(record)).toEqual(Array.from({ length: since }, () => "change"));
    expect(heardAfter(record - 1)).toEqual(Array.from({ length: since }, () => "change"));
    expect(heardAfter(1)).toEqual(["run"]);
  });
});

describe("a journal of large entries", () => {
  it("a journal of large entries is told a listener that comes back a megabyte or two at a time, and whole", () => {
    const ROUNDS = 12;
    const run = new DrivenRun({ times: 1_000, leastBytes: 1e9 });
    let { leases } = run.accept({ graph: graphOf("a") });
    for (let round = 0; round < ROUNDS; round += 1) {
      const awaits = Array.from({ length: 8_000 }, (_, number) => {
        const { runId } = child(round * 10_000 + number);
        return { runId, task: "child", call: `${runId}/0`, until: run.now + 1_000 };
      });
      run.settle(settlement(leases[0], { type: "suspended", awaits }));
      run.now += 1_000;
      run.controller.hold({ type: "task_resumed", task: "a" });
      void run.wakeWhenDue();
      ({ leases } = run.controller.claim({ holding: 0, budgetMs: 28_000 }));
    }
    const sizes = new Map(run.journal().map(({ seq, bytes }) => [seq, bytes]));
    expect([...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(8_000_000);
    const pages: number[] = [];
    const readAfter = run.store.readAfter.bind(run.store);
    vi.spyOn(run.store, "readAfter").mockImplementation((after, most) => {
      const page = readAfter(after, most);
      pages.push(page.rows.reduce((sum, { seq }) => sum + (sizes.get(seq) ?? 0), 0));
      return page;
    });
    const replay = new EventBackfill(run.store, 1, { events: () => [], progressOf: () => null });
    let changes = 0;
    for (let batch = replay.next(); batch !== null; batch = replay.next()) changes += batch.events.length;
    expect(changes).toBe(run.journal().filter(({ kind }) => kind === "change").length);
    expect(Math.max(...pages)).toBeLessThan(3_000_000);
  });
});

describe("a run of the same id that begins in the same life", () => {
  it("a run of the same id that begins in the same life is not shortened for what the one before it had written", async () => {
    const goThrough = (run: DrivenRun): void => {
      let { leases } = run.accept({ graph: graphOf("a > b > c") });
      while (leases.length > 0) ({ leases } = run.settle(succeeded(leases[0], "x")));
    };
    const measured = new DrivenRun();
    goThrough(measured);
    const leastBytes = measured.journal().reduce((sum, { kind, bytes }) => sum + (kind === "change" ? bytes : 0), 0);
    const run = new DrivenRun({ times: 0, leastBytes });
    goThrough(run);
    while (run.controller.load() !== null) await run.wakeWhenDue();
    goThrough(run);
    expect(run.journal().map(({ kind }) => kind)).toEqual(measured.journal().map(({ kind }) => kind));
  });
});

describe("a journal that cannot be shortened", () => {
  it("a journal that cannot be shortened costs no call its effects, its alarm and its answer", () => {
    const run = new DrivenRun();
    const { leases } = run.accept({ graph: graphOf("a > b") });
    vi.spyOn(run.store, "keepShort").mockImplementation(() => {
      throw new Error("disk I/O error");
    });
    const { leases: next } = run.settle(succeeded(leases[0], "x"));
    expect(next).toHaveLength(1);
    run.settle(succeeded(next[0], "y"));
    expect(run.take("finished")).toHaveLength(1);
    expect(run.notShortened).toHaveLength(2);
  });
});

describe("what a trigger carried", () => {
  it("what a trigger carried is not read back for the driver that claims next", () => {
    const run = new DrivenRun();
    const never = { holding: 0, budgetMs: 0 };
    run.accept({ graph: graphOf("a"), payload: inline("carried"), claim: never });
    const read = vi.spyOn(run.storage.sql, "exec");
    const { leases } = run.controller.claim({ holding: 0, budgetMs: 28_000 });
    expect(leases[0]?.inputs).toMatchObject([{ payload: { size: 7 } }]);
    expect(read.mock.calls.map(([query]) => query.split(" ")[0])).toEqual(["INSERT"]);
  });
});

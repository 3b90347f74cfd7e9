import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AttemptLog } from "../../../src/execution/attempt/log.ts";
import { log } from "../../../src/task-helpers.ts";
import { attempt } from "../../support/attempt.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const NOW = Date.UTC(2027, 0, 1);

beforeEach(() => {
  vi.setSystemTime(NOW);
  for (const level of ["info", "warn", "error"] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a log line", () => {
  it("a log line has its time, level, message and fields, and goes to the worker's own log with whose it is", () => {
    const written = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const kept = new AttemptLog({ run_id: "r", task: "t", attempt: 2 });
    const fields = { ms: 12, deep: { a: [1] } };
    kept.info("started");
    kept.warn("slow", fields);
    kept.error("broken", {});
    expect(kept.lines).toEqual([
      { at: NOW, level: "info", message: "started", fields: null },
      { at: NOW, level: "warn", message: "slow", fields },
      { at: NOW, level: "error", message: "broken", fields: {} },
    ]);
    const line = { message: "slow", run_id: "r", task: "t", attempt: 2, at: NOW, level: "warn", fields };
    expect(written).toHaveBeenCalledExactlyOnceWith(JSON.stringify(line));
  });

  it("a log line never fails the task: what JSON cannot say is said otherwise", () => {
    const kept = new AttemptLog({});
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    kept.info("bigint", { id: 12n });
    kept.info("circular", circular);
    kept.info("undefined", { a: undefined });
    expect(kept.lines.map(({ fields }) => fields)).toEqual([
      { id: "12" },
      { unprintable: expect.stringContaining("circular") },
      {},
    ]);
  });

  it("a log line never fails the task: a message that is no text is said as far as it can be", () => {
    const kept = new AttemptLog({});
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    const silent = {
      toString: () => {
        throw Object.create(null);
      },
    };
    const info = (message: string): void => kept.info(message);
    for (const message of [Object.create(null), deep, silent, Symbol("s"), undefined])
      Reflect.apply(info, null, [message]);
    kept.info("fields", {
      get silent() {
        throw Object.create(null);
      },
    });
    const unprintable = "a value that has no text";
    expect(kept.lines.map(({ message }) => message)).toEqual([
      unprintable,
      unprintable,
      unprintable,
      "Symbol(s)",
      "undefined",
      "fields",
    ]);
    expect(kept.lines.at(-1)?.fields).toEqual({ unprintable: "a thrown value that has no text" });
  });

  it("a log line is kept as it was when it was written, whatever becomes of its fields", () => {
    const kept = new AttemptLog({});
    const fields = { list: [1] };
    kept.info("x", fields);
    fields.list.push(2);
    expect(kept.lines[0]?.fields).toEqual({ list: [1] });
  });
});

describe("the log of an attempt", () => {
  it("the log of an attempt keeps the first 1,000 lines and counts the others", () => {
    const kept = new AttemptLog({});
    for (let line = 0; line < 1_007; line += 1) kept.info(line < 1_000 ? "a" : "b");
    expect([kept.lines.length, kept.lines.at(-1)?.message, kept.dropped]).toEqual([1_000, "a", 7]);
  });

  it("the log of an attempt keeps 64 KiB, and cuts one message at 8 KiB", () => {
    const kept = new AttemptLog({});
    for (let line = 0; line < 20; line += 1) kept.info("m".repeat(100_000));
    expect(kept.lines.every(({ message }) => message.length === 8_192)).toBe(true);
    expect(kept.lines).toHaveLength(7);
    expect(kept.dropped).toBe(13);
    kept.info("small enough");
    expect(kept.lines.at(-1)?.message).toBe("small enough");
  });

  it("the log of an attempt is stored with the run when the attempt settles, also when it fails", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(planOf([taskPlan("only")]), "only"));
    const { settlement } = await attempt(() => {
      log.info("one", { a: 1 });
      for (let line = 0; line < 1_000; line += 1) log.warn("more");
      throw new Error("in the end");
    }, only(answer.grant));
    await run.settle(settlement);
    const logs = await run.call((object) => object.logs("only"));
    expect(logs?.logs[0]).toEqual({
      at: new Date(NOW).toISOString(),
      level: "info",
      message: "one",
      fields: { a: 1 },
      attempt: 1,
    });
    expect(logs?.dropped).toBe(settlement.logsDropped);
    expect((logs?.logs.length ?? 0) + settlement.logsDropped).toBe(1_001);
    expect(settlement.logsDropped).toBeGreaterThan(0);
  });
});

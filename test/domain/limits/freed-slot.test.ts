import { expect, it } from "vitest";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import type { SlotHolder, SlotRequest } from "../../../src/domain/limits/limit.ts";
import { Limiter } from "../../../src/domain/limits/limiter.ts";

function holder(run: number): SlotHolder {
  return { runId: runIdFromBytes(new Uint8Array(16).fill(run)), ordinal: 0, attempt: 1 };
}

function request(run: number, planAt: number): SlotRequest {
  return { holder: holder(run), rule: { limit: 1, perMs: null, planAt }, strategy: "skip", since: 0, priority: 0 };
}

it("a slot whose time is over is free before the alarm has looked, also for a run of an older plan that would skip", () => {
  const limiter = new Limiter([], [], null);
  limiter.acquire(request(1, 5), 0);
  limiter.grant(0);
  limiter.release(holder(1), 60_000, 0);
  expect(limiter.acquire(request(2, 4), 59_999)).toBe("refused");
  expect(limiter.acquire(request(2, 4), 60_000)).toBe("waiting");
  expect(limiter.grant(60_000).map((entry) => entry.holder)).toEqual([holder(2)]);
});

it("a slot that is kept for a millisecond more is free when that is over", () => {
  const limiter = new Limiter([], [], null);
  limiter.acquire(request(1, 1), 1_000);
  limiter.grant(1_000);
  limiter.release(holder(1), 1, 1_000);
  expect(limiter.acquire(request(2, 1), 1_000)).toBe("refused");
  expect(limiter.acquire(request(2, 1), 1_001)).toBe("waiting");
});

it("a place of a window that a deploy has made shorter is free once, when the shorter one is over", () => {
  const [long, short] = [3_600_000, 60_000];
  const limiter = new Limiter([], [], null);
  for (const run of [1, 2]) {
    limiter.acquire({ ...request(run, 1), rule: { limit: 2, perMs: long, planAt: 1 }, strategy: "queue" }, 0);
    limiter.grant(0);
    limiter.consume(holder(run), long, 0);
  }
  limiter.takeChanges();
  limiter.adopt({ limit: 2, perMs: short, planAt: 2 });
  expect(limiter.takeChanges()?.window).toEqual([
    { freeAt: long, count: 0 },
    { freeAt: short, count: 2 },
  ]);
  limiter.grant(short);
  expect(limiter.inUse).toBe(0);
  limiter.grant(long);
  expect(limiter.inUse).toBe(0);
});

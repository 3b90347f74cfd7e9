import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { wasInterrupted } from "../../src/local/interrupt.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("an interrupt that comes a moment after the end of a child is one all the same", async () => {
  const ending = new AbortController();
  const answer = wasInterrupted(ending.signal);
  await vi.advanceTimersByTimeAsync(50);
  ending.abort();
  expect(await answer).toBe(true);
  expect(await wasInterrupted(ending.signal)).toBe(true);
});

it("an error without an interrupt is told, soon", async () => {
  const answer = wasInterrupted(new AbortController().signal);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await answer).toBe(false);
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Deadlines } from "../../../src/execution/attempt/deadlines.ts";

const SECOND = 1_000;

describe("the timeouts of one invocation", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("the timeouts of one invocation strike at their time, in whatever order they were set", () => {
    const deadlines = new Deadlines();
    const struck: string[] = [];
    deadlines.set(20 * SECOND, () => struck.push("late"));
    deadlines.set(5 * SECOND, () => struck.push("early"));
    vi.advanceTimersByTime(5 * SECOND - 1);
    expect(struck).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(struck).toEqual(["early"]);
    vi.advanceTimersByTime(15 * SECOND);
    expect(struck).toEqual(["early", "late"]);
  });

  it("the timeouts of one invocation do not strike once they are lifted", () => {
    const deadlines = new Deadlines();
    const strike = vi.fn<() => void>();
    deadlines.set(SECOND, strike)();
    vi.advanceTimersByTime(2 * SECOND);
    expect(strike).not.toHaveBeenCalled();
  });

  it("the timeouts of one invocation share one timer, however many attempts follow one another", () => {
    const deadlines = new Deadlines();
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const lift = deadlines.set(25 * SECOND, () => undefined);
      vi.advanceTimersByTime(1);
      lift();
      expect(vi.getTimerCount()).toBe(1);
    }
  });

  it("the timeouts of one invocation have no second timer for one that strikes earlier, and none when they are closed", () => {
    const deadlines = new Deadlines();
    for (const seconds of [25, 5, 1]) deadlines.set(seconds * SECOND, () => undefined);
    expect(vi.getTimerCount()).toBe(1);
    deadlines.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("the timeouts of one invocation strike also when the clock was set back", () => {
    const deadlines = new Deadlines();
    const strike = vi.fn<() => void>();
    deadlines.set(SECOND, strike);
    vi.setSystemTime(-60 * SECOND);
    vi.advanceTimersByTime(SECOND);
    expect(strike).toHaveBeenCalledOnce();
  });

  it("the timeouts of one invocation do not strike at once, and again and again, if each sets the next one by a clock that was set back", () => {
    const deadlines = new Deadlines();
    let strikes = 0;
    const again = (): void => {
      strikes += 1;
      if (strikes < 10) deadlines.set(30 * SECOND, again);
    };
    deadlines.set(SECOND, again);
    vi.setSystemTime(-60 * SECOND);
    vi.advanceTimersByTime(SECOND);
    expect(strikes).toBe(1);
    vi.advanceTimersByTime(30 * SECOND);
    expect(strikes).toBe(2);
  });

  it("the timeouts of one invocation leave no timer behind when the invocation is over", () => {
    const deadlines = new Deadlines();
    const strike = vi.fn<() => void>();
    deadlines.set(SECOND, strike);
    deadlines.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(2 * SECOND);
    expect(strike).not.toHaveBeenCalled();
  });
});

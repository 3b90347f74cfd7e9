import { describe, expect, it } from "vitest";
import { AlarmClock } from "../../src/platform/alarm-clock.ts";

describe("the alarm of an object", () => {
  function alarmAt(at: number): { readonly clock: AlarmClock; readonly set: number[]; readonly time: { now: number } } {
    const time = { now: 0 };
    const set: number[] = [];
    const clock = new AlarmClock({ now: () => time.now, setAlarm: (to) => void set.push(to) });
    clock.set(at);
    return { clock, set, time };
  }

  it("the alarm of an object is not set again for something that is due later, also while the platform is late", () => {
    const { clock, set, time } = alarmAt(10_000);
    time.now = 69_999;
    clock.atLatest(80_000);
    expect(set).toEqual([10_000]);
    expect(clock.at).toBe(10_000);
  });

  it("the alarm of an object is set again for what is due once the platform has given it up", () => {
    const { clock, set, time } = alarmAt(10_000);
    time.now = 70_000;
    expect(clock.at).toBe(Number.POSITIVE_INFINITY);
    clock.atLatest(80_000);
    expect(set).toEqual([10_000, 80_000]);
    expect(clock.at).toBe(80_000);
  });
});

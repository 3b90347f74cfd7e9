import { describe, expect, it } from "vitest";
import {
  deployPauseMs,
  isKnownFormat,
  isNewerFormat,
  NewerFormatError,
  refuseNewer,
  takesOver,
} from "../../src/domain/version.ts";

const MINUTE = 60_000;

describe("what carries a version", () => {
  it("what carries a version is understood in this code's format, and in the first one if it says none", () => {
    expect([0, 1, 2].map(isKnownFormat)).toEqual([true, true, false]);
    expect(() => refuseNewer({}, "a row")).not.toThrow();
  });

  it("what carries a version is refused with what to do if newer code wrote it, and known as that on the other side of a call", () => {
    expect(() => refuseNewer({ v: 2 }, "a row")).toThrow(
      "a row has format 2, this code knows up to 1: deploy the newer version again",
    );
    const { name, message } = new NewerFormatError("a row", "format 2");
    expect(isNewerFormat(Object.assign(new Error(message), { name }))).toBe(true);
    expect(isNewerFormat(new Error(`${name}: ${message}`))).toBe(true);
    expect(isNewerFormat(new Error(message))).toBe(false);
  });
});

describe("a deployment that is announced", () => {
  const current = { madeAt: 100, seenAt: 0 };

  it("a deployment that is announced takes over if there is none, or it is as new or newer", () => {
    expect(takesOver(null, { madeAt: 1 }, 0)).toBe(true);
    expect([99, 100, 101].map((madeAt) => takesOver(current, { madeAt }, MINUTE))).toEqual([false, true, true]);
  });

  it("a deployment that is announced takes over although it is older once the newer has been silent for 15 minutes, whatever the clock did", () => {
    const older = { madeAt: 1 };
    expect([14.9, 15, -15].map((minutes) => takesOver(current, older, minutes * MINUTE))).toEqual([false, true, true]);
  });
});

it("what waits for a deploy looks again after half of the time that it has waited, 2 s to 15 min", () => {
  expect([-1, 0, 4_000, 10 * MINUTE, 30 * MINUTE, 10_000 * MINUTE].map(deployPauseMs)).toEqual([
    2_000,
    2_000,
    2_000,
    5 * MINUTE,
    15 * MINUTE,
    15 * MINUTE,
  ]);
});

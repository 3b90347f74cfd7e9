import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import type { RetryPolicy } from "../../../src/domain/plan/plan.ts";
import { fractionOf, retryDelayMs } from "../../../src/domain/run/retry-delay.ts";

const POLICY: RetryPolicy = { limit: 9, delayMs: 1_000, backoff: "exponential", maxDelayMs: 10_000, jitter: false };

describe("the delay before a retry", () => {
  it.each([
    ["exponential", [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]],
    ["linear", [1_000, 2_000, 3_000, 4_000, 5_000, 6_000]],
    ["constant", [1_000, 1_000, 1_000, 1_000, 1_000, 1_000]],
  ] as const)("the delay before a retry grows as the policy says: %s", (backoff, delays) => {
    expect(delays.map((_, index) => retryDelayMs({ ...POLICY, backoff }, index + 1, 0))).toEqual(delays);
  });

  it("the delay before a retry is at most max_delay, also the first time", () => {
    expect(retryDelayMs({ ...POLICY, maxDelayMs: 300 }, 1, 0)).toBe(300);
  });

  it("the delay before a retry lies between half of the policy's delay and all of it, by the fraction", () => {
    const policy = { ...POLICY, jitter: true };
    expect(retryDelayMs(policy, 2, 0)).toBe(1_000);
    expect(retryDelayMs(policy, 2, 0.5)).toBe(1_500);
    expect(retryDelayMs(policy, 2, 0.999_999)).toBe(2_000);
  });

  it("the delay before a retry is a whole number of milliseconds within its limits for every policy that peach.conf allows", () => {
    const month = 30 * 86_400_000;
    fc.assert(
      fc.property(
        fc.record({
          limit: fc.constant(100),
          delayMs: fc.nat(month),
          backoff: fc.constantFrom("exponential", "linear", "constant"),
          maxDelayMs: fc.nat(month),
          jitter: fc.boolean(),
        }),
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (policy, failures, fraction) => {
          const delay = retryDelayMs(policy, failures, fraction);
          expect(Number.isSafeInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(Math.floor(Math.min(policy.delayMs, policy.maxDelayMs) / 2));
          expect(delay).toBeLessThanOrEqual(policy.maxDelayMs);
        },
      ),
    );
  });
});

describe("the fraction of a text", () => {
  it("the fraction of a text is always the same, from 0 to below 1", () => {
    expect(fractionOf("run/0/1")).toBe(fractionOf("run/0/1"));
    expect(fractionOf("run/0/1")).toBe(0.7117723319679499);
    expect(fractionOf("run/0/1")).not.toBe(fractionOf("run/0/2"));
    expect(fractionOf("")).toBeLessThan(1);
  });

  it("the fraction of a text spreads texts that differ at the end evenly", () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let attempt = 0; attempt < 10_000; attempt += 1) {
      const tenth = Math.floor(fractionOf(`run_0123456789/3/${attempt}`) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) {
      expect(count).toBeGreaterThan(900);
      expect(count).toBeLessThan(1_100);
    }
  });
});

import { describe, expect, it } from "vitest";
import { admissionOf } from "../../src/domain/admission.ts";

describe("a new trigger", () => {
  it.each([
    ["at once where nothing is known of the queue", null, { type: "taken", afterMs: 0, isIdle: true }],
    ["at once while messages wait a second at most", 1_000, { type: "taken", afterMs: 0, isIdle: true }],
    ["after a tenth of the time that messages wait", 20_000, { type: "taken", afterMs: 2_000, isIdle: false }],
    ["after five seconds at most", 60_000, { type: "taken", afterMs: 5_000, isIdle: false }],
    [
      "not at all beyond a minute, and may come again when half is done",
      60_001,
      { type: "refused", retryAfterSeconds: 31 },
    ],
    [
      "not at all behind hours, and may come again after five minutes",
      7_200_000,
      { type: "refused", retryAfterSeconds: 300 },
    ],
  ] as const)("a new trigger is taken %s", (_, lagMs, admission) => {
    expect(admissionOf(lagMs === null ? null : { deliveredUntil: 0, lagMs })).toEqual(admission);
  });

  it.each([2_000, 60_001, 7_200_000])(
    "a new trigger is taken at once while fewer than one message a second has waited for %d ms: those cannot be processed yet",
    (lagMs) => {
      const waiting = Math.ceil(lagMs / 1_000);
      const taken = { type: "taken", afterMs: 0, isIdle: false };
      expect(admissionOf({ deliveredUntil: 0, lagMs, waiting: waiting - 1 })).toEqual(taken);
      expect(admissionOf({ deliveredUntil: 0, lagMs, waiting })).not.toEqual(taken);
    },
  );
});

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createDeliveryLog, KEPT_AT_ONCE } from "../../../src/http/endpoints/delivery-log.ts";
import { endpointPlan, planOf } from "../../support/plan.ts";
import { requestContext } from "../../support/request-context.ts";

const START = Date.UTC(2027, 0, 1);

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A log that tells how many of these requests it records at a time after the start, in milliseconds. */
async function logOf(method: "keep" | "refuse") {
  const c = await requestContext();
  const record = vi.fn(() => Promise.reject(new Error("only counted")));
  const log = createDeliveryLog(planOf([]), record);
  const arrival = {
    at: START,
    params: {},
    reason: null,
    senderId: null,
    runs: [],
    replayOf: null,
    request: new Request("https://peach.test/hook", { method: "POST" }),
    response: new Response(),
    kept: { bytes: new Uint8Array(0), size: 0, isWhole: true },
  };
  return (requests: number, ms: number, endpoint = "hook"): number => {
    vi.setSystemTime(START + ms);
    record.mockClear();
    for (let nth = 0; nth < requests; nth += 1) log[method](c, endpointPlan(endpoint), arrival);
    return record.mock.calls.length;
  };
}

it("the deliveries of an endpoint are recorded a hundred at once, then two a second, and never more than a hundred at once", async () => {
  const recorded = await logOf("keep");
  expect(KEPT_AT_ONCE).toBe(100);
  expect(recorded(105, 0)).toBe(100);
  expect(recorded(3, 400)).toBe(0);
  expect(recorded(3, 500)).toBe(1);
  expect(recorded(10, 2_500)).toBe(4);
  expect(recorded(105, 3_600_000)).toBe(100);
});

it("the refused requests of one kind are recorded five at once, then one in ten seconds, and never more than five at once", async () => {
  const recorded = await logOf("refuse");
  expect(recorded(30, 0)).toBe(5);
  expect(recorded(3, 5_000)).toBe(0);
  expect(recorded(3, 10_000)).toBe(1);
  expect(recorded(5, 30_000)).toBe(2);
  expect(recorded(30, 3_600_000)).toBe(5);
});

it("the refused requests of each kind have a rate of their own until there are a thousand kinds; then all begin anew", async () => {
  const recorded = await logOf("refuse");
  expect(recorded(6, 0, "hook 0")).toBe(5);
  for (let nth = 1; nth < 999; nth += 1) recorded(1, 0, `hook ${nth}`);
  expect(recorded(1, 0, "hook 0")).toBe(0);
  expect(recorded(1, 0, "hook 999")).toBe(1);
  expect(recorded(1, 0, "hook 0")).toBe(1);
});

/** The items of a large array, for drivers that follow each other: to find them may take most of a driver's time. */
import { createExecutionContext } from "cloudflare:test";
import { afterEach, expect, it, vi } from "vitest";
import { Deadlines } from "../../src/execution/attempt/deadlines.ts";
import type { LeasePayload } from "../../src/domain/payload.ts";
import { env } from "../support/env.ts";
import { leaseFor } from "../support/attempt.ts";
import { executeLease } from "../support/deployed.ts";

const TOTAL = 60;

afterEach(() => {
  vi.restoreAllMocks();
});

it("the items of a large array are found once in an isolate, not by each driver anew", async () => {
  const items = Array.from({ length: TOTAL }, (_, n) => ({ n, pad: "p".repeat(100_000) }));
  const text = JSON.stringify(items);
  const key = "runs/large/0/1-1";
  await env.PAYLOADS.put(key, text);
  const payload: LeasePayload = { kind: "json", contentType: "application/json", at: "r2", key, size: text.length };
  const get = vi.spyOn(env.PAYLOADS, "get");
  for (const index of [0, 30, TOTAL - 1]) {
    const lease = leaseFor({
      method: "tenfold",
      inlineLimitBytes: 1_000_000,
      inputs: [{ parent: "spread", payload }],
      item: { of: 1, index, total: TOTAL, isElement: true },
    });
    // Without a reader of a driver: each has its own.
    const { outcome } = await executeLease(env, lease, createExecutionContext(), new Deadlines());
    expect(outcome).toMatchObject({
      type: "succeeded",
      output: { at: "inline", size: JSON.stringify(items[index]).length },
    });
  }
  const whole = get.mock.calls.filter(([, options]) => options === undefined);
  expect(whole).toHaveLength(1);
});

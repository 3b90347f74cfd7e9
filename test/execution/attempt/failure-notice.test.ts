import { afterEach, describe, expect, it, vi } from "vitest";
import { noteFailure } from "../../../src/execution/attempt/failure-notice.ts";
import { leaseFor } from "../../support/attempt.ts";

const LEASE = leaseFor({ task: "resize", attempt: 2 });
const ERROR = { name: "TypeError", message: "no such image", stack: "at resize" };

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the terminal of npm run dev", () => {
  it("the terminal of npm run dev shows an attempt whose code has failed, of an item with its index, and no other end", () => {
    const written = vi.spyOn(console, "info").mockImplementation(() => undefined);
    noteFailure(LEASE, { type: "failed", error: ERROR, retryable: true, retryAfterMs: null, reason: "error" }, 12);
    noteFailure(
      { ...LEASE, item: { index: 7, total: 9, of: 0, isElement: true } },
      { type: "timed_out", error: ERROR },
      25_000,
    );
    noteFailure(LEASE, { type: "lost", to: "surroundings", error: ERROR }, 12);
    const shown = {
      message: "attempt failed",
      run_id: LEASE.runId,
      attempt: 2,
      error: "TypeError: no such image",
      stack: "at resize",
    };
    expect(written.mock.calls.map(([line]): unknown => JSON.parse(String(line)))).toMatchObject([
      { ...shown, task: "resize", duration_ms: 12 },
      { ...shown, task: "resize[7]", duration_ms: 25_000 },
    ]);
    expect(written).toHaveBeenCalledTimes(2);
  });
});

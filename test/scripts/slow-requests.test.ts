import { describe, expect, it } from "vitest";
import { timesOf, type TimedRequest } from "../../scripts/bench/slow-requests.ts";

/** A request of 2 ms, half of them computed, unless said otherwise. */
const request = (nth: number, other: Partial<TimedRequest> = {}): TimedRequest => ({
  nth,
  atMs: nth * 2,
  ms: 2,
  clientMs: 0,
  machineMs: 0,
  computedMs: 1,
  ...other,
});

/** A thousand requests, some of which are others. */
function requestsWith(others: Readonly<Record<number, Partial<TimedRequest>>>): TimedRequest[] {
  return Array.from({ length: 1_000 }, (_, nth) => request(nth, others[nth]));
}

describe("the times of requests in a benchmark", () => {
  it("the times of requests in a benchmark name what slow requests waited for, by their largest part", () => {
    const { slow, slowest } = timesOf(
      "a worker",
      requestsWith({
        1: { ms: 40, clientMs: 30, machineMs: 5 },
        2: { ms: 30, machineMs: 20, computedMs: 3 },
        3: { ms: 20, machineMs: 2, computedMs: 15 },
        4: { ms: 10, computedMs: 2 },
      }),
    );
    expect(slow).toEqual({ client: 1, machine: 1, computation: 1, other: 1 });
    expect(slowest.slice(0, 4).map(({ nth, cause }) => [nth, cause])).toEqual([
      [1, "client"],
      [2, "machine"],
      [3, "computation"],
      [4, "other"],
    ]);
  });

  it("leave out of the own 99th percentile what client and machine took", () => {
    const busy = Array.from({ length: 1_000 }, (_, nth) =>
      request(nth, nth % 20 === 0 ? { ms: 50, machineMs: 40, clientMs: 7 } : {}),
    );
    expect(timesOf("a worker", busy)).toMatchObject({ median_ms: 2, p99_ms: 50, p99_own_ms: 3, max_ms: 50 });
  });
});

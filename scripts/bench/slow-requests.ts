/**
 * Explains slow requests: the part of each request that the client, the machine and the server's
 * own computation took.
 */
import { medianOf, quantileOf } from "./statistics.ts";

/** A timed request. All durations are in milliseconds. */
export interface TimedRequest {
  /** The position among the requests of the same system. */
  readonly nth: number;
  /** The start, since the start of the measurement. */
  readonly atMs: number;
  readonly ms: number;
  /** The client collected garbage, or waited for a CPU. */
  readonly clientMs: number;
  /** The server's processes waited for a CPU. */
  readonly machineMs: number;
  /** The server's processes computed: the worker, its garbage collection, and the runtime. */
  readonly computedMs: number;
}

/**
 * The largest part of the time of a request above the median.
 * - `client`: the bench itself.
 * - `machine`: other processes had the CPU.
 * - `computation`: the server computed more than usual.
 * - `other`: the rest: the disk, a timer, or threads beside the main one.
 */
export const CAUSES = ["client", "machine", "computation", "other"] as const;
export type Cause = (typeof CAUSES)[number];

/** The times of one system. */
export interface SystemTimes {
  readonly what: string;
  readonly median_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** The 99th percentile of the same requests, less the parts of client and machine. */
  readonly p99_own_ms: number;
  /** The requests above the 99th percentile, by cause. */
  readonly slow: Readonly<Record<Cause, number>>;
  /** The slowest requests, slowest first. */
  readonly slowest: readonly (TimedRequest & { readonly cause: Cause })[];
}

/** Requests that are listed. */
const LISTED = 10;

/** Summarizes the requests of a system. Throws if there are none. */
export function timesOf(what: string, requests: readonly TimedRequest[]): SystemTimes {
  const durations = requests.map(({ ms }) => ms);
  const usual = {
    ms: medianOf(durations),
    computedMs: medianOf(requests.map(({ computedMs }) => computedMs)),
  };
  const p99 = quantileOf(durations, 0.99);
  const slow = { client: 0, machine: 0, computation: 0, other: 0 };
  const explained = requests.map((request) => ({ ...request, cause: causeOf(request, usual) }));
  for (const { ms, cause } of explained) if (ms > p99) slow[cause] += 1;
  return {
    what,
    median_ms: usual.ms,
    p99_ms: p99,
    max_ms: Math.max(...durations),
    p99_own_ms: quantileOf(requests.map(ownMs), 0.99),
    slow,
    slowest: explained.toSorted((left, right) => right.ms - left.ms).slice(0, LISTED),
  };
}

/** The time of a request without the parts of client and machine. */
function ownMs({ ms, clientMs, machineMs }: TimedRequest): number {
  return Math.max(0, ms - clientMs - machineMs);
}

/** Finds the largest part of the time above the usual time. */
function causeOf(
  { ms, clientMs, machineMs, computedMs }: TimedRequest,
  usual: Pick<TimedRequest, "ms" | "computedMs">,
): Cause {
  const computation = Math.max(0, computedMs - usual.computedMs);
  const parts: Record<Cause, number> = {
    client: clientMs,
    machine: machineMs,
    computation,
    other: ms - usual.ms - clientMs - machineMs - computation,
  };
  return CAUSES.reduce((most, cause) => (parts[cause] > parts[most] ? cause : most));
}

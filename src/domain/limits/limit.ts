/**
 * Limits on the attempts of one task over all runs, as in peach.conf, with the shared vocabulary of
 * run, limit objects and HTTP edge. `limiter.ts` manages the slots, `limit-gate.ts` the blocked
 * tasks of a run.
 */
import type { RunId } from "../ids.ts";

/**
 * Behaviour of an attempt without a free slot.
 * - `queue`: the attempt waits.
 * - `skip`: the task is skipped with reason `concurrency`. A later attempt of a started task waits.
 * - `cancel_running`: the oldest attempt of another run is preempted and its task cancelled with
 *   reason `concurrency`; the new attempt starts after its end. A later attempt preempts nothing
 *   and waits.
 */
export const STRATEGIES = ["queue", "skip", "cancel_running"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Property path into the payload read by the task; null means one group for all. */
export type PayloadPath = readonly string[] | null;

/** At most `limit` concurrent attempts. */
export interface ConcurrencyPlan {
  readonly limit: number;
  readonly strategy: Strategy;
  readonly key: PayloadPath;
}

/** At most `limit` started attempts in any `perMs`. */
export interface RateLimitPlan {
  readonly limit: number;
  readonly perMs: number;
  readonly key: PayloadPath;
}

export interface TaskLimits {
  readonly concurrency: ConcurrencyPlan | null;
  readonly rateLimit: RateLimitPlan | null;
  /** Order of waiting attempts, higher first: a number, or its path in the payload. */
  readonly priority: number | readonly string[];
}

/** Kinds in acquisition order. The rate limit comes last, so its permit is used at once. */
export const LIMIT_KINDS = ["concurrency", "rate_limit"] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/**
 * Cause and start (epoch milliseconds) of a block on a queued task. A task blocked by `deploy` may
 * be claimed by code with its method (see `undeployed.ts`).
 */
export interface BlockedBy {
  readonly for: LimitKind | "pause" | "deploy";
  readonly since: number;
}

/**
 * Limit keys and priority in a task's payload. A key is the JSON text of the value; absent without
 * a value.
 */
export interface LimitKeys {
  readonly concurrency?: string;
  readonly rate_limit?: string;
  readonly priority?: number;
}

/** Keys of one task, or of each item of an `each` task. */
export type PayloadLimitKeys = LimitKeys | readonly LimitKeys[];

/** Distinguishes keys per item from keys of one task. */
export function isKeyList(keys: PayloadLimitKeys | undefined): keys is readonly LimitKeys[] {
  return Array.isArray(keys);
}

/** Paths of the keys and the priority in the payload; absent without such a limit. */
export interface LimitPaths {
  readonly concurrency?: readonly string[];
  readonly rate_limit?: readonly string[];
  readonly priority?: readonly string[];
}

/** One limit: all attempts of a task, or those with an equal key. */
export interface LimitName {
  readonly kind: LimitKind;
  readonly task: string;
  /** Value of the key; null without a key path or without a value. */
  readonly key: string | null;
}

/**
 * An attempt which waits for a slot or holds a slot. Each attempt acquires once and releases once,
 * so a late call never affects the slot of another.
 */
export interface SlotHolder {
  readonly runId: RunId;
  readonly ordinal: number;
  readonly attempt: number;
}

/**
 * A plan's rule for one limit. The newest rule counts for all waiting and new attempts (see
 * `limiter.ts`).
 */
export interface LimitRule {
  readonly limit: number;
  /** Window of a rate limit; null for a concurrency limit. */
  readonly perMs: number | null;
  /** Age of the plan: start of its validity, epoch milliseconds. */
  readonly planAt: number;
  /** Creation of the plan's deployment, epoch milliseconds; absent if the platform does not say. */
  readonly madeAt?: number;
}

export interface SlotRequest {
  readonly holder: SlotHolder;
  /** Rule of the plan at acceptance of the run. */
  readonly rule: LimitRule;
  readonly strategy: Strategy;
  /** Time of readiness, epoch milliseconds. */
  readonly since: number;
  readonly priority: number;
}

/**
 * Status of a slot, as reported by the run.
 * - `holding`: the attempt runs, or is about to start.
 * - `over`: the slot is free after `afterMs`; a cancelled attempt may run until the end of its
 *   lease.
 * - `spent`: the attempt has started and counts in the window for `perMs`.
 */
export type SlotStatus =
  | { readonly type: "holding" }
  | { readonly type: "over"; readonly afterMs: number }
  | { readonly type: "spent"; readonly perMs: number };

/** Bound of priorities: a waiting attempt is overtaken by at most 200 minutes of later arrivals. */
export const PRIORITY_MAX = 100;

/** Key for display: a text unquoted, any other value as JSON. */
export function shownKey(key: string | null): string | null {
  if (key === null || !key.startsWith('"')) return key;
  const text: unknown = JSON.parse(key);
  return typeof text === "string" ? text : key;
}

/** Payload paths of the task's limits; null without any. */
export function limitPathsOf({ concurrency, rateLimit, priority }: TaskLimits): LimitPaths | null {
  const paths: LimitPaths = {
    ...(concurrency?.key && { concurrency: concurrency.key }),
    ...(rateLimit?.key && { rate_limit: rateLimit.key }),
    ...(typeof priority !== "number" && { priority }),
  };
  return Object.keys(paths).length === 0 ? null : paths;
}

/** Payload paths of a task with several parents, restricted to the part passed by `parent`. */
export function limitPathsBelow(paths: LimitPaths, parent: string): LimitPaths | null {
  const below = Object.entries(paths).flatMap(([what, path]: [string, readonly string[]]) =>
    path[0] === parent ? [[what, path.slice(1)] as const] : [],
  );
  return below.length === 0 ? null : Object.fromEntries(below);
}

/**
 * Limits on the attempts of one task over all runs, as peach.conf gives them, and the words that the run, the limit objects and
 * the edge share about them. The slots themselves are in `slot-book.ts`, what a run does about them in `hold.ts`.
 */
import type { RunId } from "../ids.ts";

/**
 * What becomes of an attempt for which there is no slot.
 * - `queue`: it waits.
 * - `skip`: its task is skipped, reason `concurrency`. A task that has begun is not: its later attempts wait.
 * - `cancel_running`: the oldest attempt of another run gives way, its task cancelled with that reason, and the new one starts
 *   when that has ended. Later attempts of a task make nobody give way: they wait.
 */
export const STRATEGIES = ["queue", "skip", "cancel_running"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Path into the payload that the task reads, by property; null: one group for all. */
export type PayloadPath = readonly string[] | null;

/** At most `limit` attempts at a time. */
export interface ConcurrencyPlan {
  readonly limit: number;
  readonly strategy: Strategy;
  readonly key: PayloadPath;
}

/** At most `limit` attempts start in any `perMs`. */
export interface RateLimitPlan {
  readonly limit: number;
  readonly perMs: number;
  readonly key: PayloadPath;
}

export interface TaskLimits {
  readonly concurrency: ConcurrencyPlan | null;
  readonly rateLimit: RateLimitPlan | null;
  /** Of waiting attempts, higher first: the number itself, or where the payload has it. */
  readonly priority: number | readonly string[];
}

/** In the order in which an attempt passes them: a place in the window is taken last, so that it is used at once. */
export const LIMIT_KINDS = ["concurrency", "rate_limit"] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/**
 * Why a queued task may not be claimed, since when. Epoch milliseconds. One that is held for a `deploy` may be, by code that has its
 * method (see `undeployed.ts`).
 */
export interface Hold {
  readonly for: LimitKind | "pause" | "deploy";
  readonly since: number;
}

/** What a payload says about the limits of the task that reads it. A key is the value there as JSON; absent: there is none. */
export interface LimitKeys {
  readonly concurrency?: string;
  readonly rate_limit?: string;
  readonly priority?: number;
}

/** Of a task with `each`: one for each item. */
export type PayloadLimitKeys = LimitKeys | readonly LimitKeys[];

/** Whether these are those of each item. */
export function isKeyList(keys: PayloadLimitKeys | undefined): keys is readonly LimitKeys[] {
  return Array.isArray(keys);
}

/** Where the payload of a task has its keys and its priority. Only those that it has. */
export interface LimitPaths {
  readonly concurrency?: readonly string[];
  readonly rate_limit?: readonly string[];
  readonly priority?: readonly string[];
}

/** One limit: the attempts of a task, all of them or those with one key. */
export interface LimitName {
  readonly kind: LimitKind;
  readonly task: string;
  /** Null: the limit has no key, or the payload has no value there. */
  readonly key: string | null;
}

/** An attempt that waits for a slot, or has one. Each asks once and gives back once, so no late call can mean another's slot. */
export interface SlotHolder {
  readonly runId: RunId;
  readonly ordinal: number;
  readonly attempt: number;
}

/** What a plan says of one limit. Of several the newest counts, for all that wait and all that come (see `slot-book.ts`). */
export interface LimitRule {
  readonly limit: number;
  /** The window of a rate limit; null: it is none. */
  readonly perMs: number | null;
  /** How new the plan is: the time from which it was in force, epoch ms. */
  readonly planAt: number;
  /** When the deployment was made that the plan is of, epoch ms; absent: the platform does not say. */
  readonly madeAt?: number;
}

export interface SlotRequest {
  readonly holder: SlotHolder;
  /** Of the plan that the run was accepted with. */
  readonly rule: LimitRule;
  readonly strategy: Strategy;
  /** When it became ready. Epoch milliseconds. */
  readonly since: number;
  readonly priority: number;
}

/**
 * How an attempt stands to the slot that was kept for it:
 * - `holding`: it runs, or is about to.
 * - `over`: it needs the slot no longer, or only for so long: a cancelled attempt may still run until its lease is over.
 * - `spent`: it has started, and counts in the window for so long.
 */
export type Standing =
  | { readonly type: "holding" }
  | { readonly type: "over"; readonly afterMs: number }
  | { readonly type: "spent"; readonly perMs: number };

/** Priorities are kept within these, so that nothing waits longer than 200 minutes behind what comes after it. */
export const PRIORITY_MAX = 100;

/** A key as people see it: a text as it is, anything else as JSON. */
export function shownKey(key: string | null): string | null {
  if (key === null || !key.startsWith('"')) return key;
  const text: unknown = JSON.parse(key);
  return typeof text === "string" ? text : key;
}

/** Where this task's payload has what its limits ask for; null: nowhere. */
export function limitPathsOf({ concurrency, rateLimit, priority }: TaskLimits): LimitPaths | null {
  const paths: LimitPaths = {
    ...(concurrency?.key && { concurrency: concurrency.key }),
    ...(rateLimit?.key && { rate_limit: rateLimit.key }),
    ...(typeof priority !== "number" && { priority }),
  };
  return Object.keys(paths).length === 0 ? null : paths;
}

/** The same paths for a child of several upstream tasks, as far as they lead into what this parent passes. */
export function limitPathsBelow(paths: LimitPaths, parent: string): LimitPaths | null {
  const below = Object.entries(paths).flatMap(([what, path]: [string, readonly string[]]) =>
    path[0] === parent ? [[what, path.slice(1)] as const] : [],
  );
  return below.length === 0 ? null : Object.fromEntries(below);
}

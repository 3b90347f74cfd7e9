/**
 * The compiled `peach.conf`: plain data made by `conf/compile` and imported as `#generated/plan`.
 * Durations are milliseconds, sizes are bytes, and every default is filled in.
 */

import type { CallerRule } from "../limits/caller-window.ts";
import type { EndpointAuth } from "./endpoint-auth.ts";
import type { TaskLimits } from "../limits/limit.ts";
import type { RunIf } from "../run/start-rule.ts";
import type { RecommendationPlan } from "./recommendation-plan.ts";

/** Retries after an exception: at most `limit` + 1 attempts. Lost attempts do not count. */
export interface RetryPolicy {
  readonly limit: number;
  readonly delayMs: number;
  readonly backoff: Backoff;
  readonly maxDelayMs: number;
  readonly jitter: boolean;
}

export const BACKOFFS = ["exponential", "linear", "constant"] as const;
export type Backoff = (typeof BACKOFFS)[number];

export const R2_ACTIONS = ["create", "delete"] as const;
export type R2Action = (typeof R2_ACTIONS)[number];

/**
 * Trigger rule for R2 notifications: bucket, prefix, suffix and action must all match. Empty texts
 * match every key.
 */
export interface R2Rule {
  readonly bucket: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly actions: readonly R2Action[];
}

/**
 * Behaviour of a due time while the schedule's previous run is not final.
 * - `allow`: start another run.
 * - `skip`: skip the due time.
 * - `buffer_one`: wait for the end of the run; skip further due times meanwhile.
 * - `cancel_running`: cancel the previous run first.
 */
export const OVERLAPS = ["allow", "skip", "buffer_one", "cancel_running"] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** Missed due times to start: none, the latest, or all. */
export const CATCH_UPS = ["none", "latest", "all"] as const;

export interface CatchUpRule {
  readonly policy: (typeof CATCH_UPS)[number];
  /** Maximum age of a missed due time; null for any age. */
  readonly windowMs: number | null;
}

export interface SchedulePlan {
  /** Digest of cron, timezone and payload. Task and id identify a schedule. */
  readonly id: string;
  /** Five fields, six with seconds first, or a nickname such as @daily. */
  readonly cron: string;
  /** IANA time zone. */
  readonly timezone: string;
  readonly overlap: Overlap;
  readonly catchUp: CatchUpRule;
  /** Payload of the runs as JSON text; null carries the schedule and its due time. */
  readonly payload: string | null;
}

export const DISPATCHES = ["queue", "direct"] as const;
export type Dispatch = (typeof DISPATCHES)[number];

/** Triggers of equal key within `delayMs` become one run with the last payload. */
export interface DebouncePlan {
  readonly delayMs: number;
  /** Latest start after the first trigger; null waits without a bound. */
  readonly maxWaitMs: number | null;
  /** Property path of the key in the payload; null means one key for all. */
  readonly key: readonly string[] | null;
}

/** Behaviour of an `each` task after a failed item: fail the task, or pass null for the item. */
export const ITEM_ERRORS = ["fail", "continue"] as const;

/** The task runs once per item of the array it reads. */
export interface EachPlan {
  /** Maximum of active items. An item waiting for its next attempt keeps its place. */
  readonly maxParallel: number;
  readonly onError: (typeof ITEM_ERRORS)[number];
}

export interface TaskPlan {
  readonly name: string;
  /** Key into the method registry: `method`, or `module#method`. */
  readonly method: string;
  /**
   * File with the export, where `method` does not say. Another file may export that name by now.
   */
  readonly module?: string;
  readonly description: string | null;
  /** Children in the order of peach.conf. */
  readonly downstream: readonly string[];
  /** Parents in file order. Their number decides the shape of the input. */
  readonly upstream: readonly string[];
  readonly runIf: RunIf;
  readonly retries: RetryPolicy;
  /** Timeout of one attempt. */
  readonly timeoutMs: number;
  /** The task waits for an external completion after its method has returned. */
  readonly external: boolean;
  readonly dispatch: Dispatch;
  readonly each: EachPlan | null;
  readonly debounce: DebouncePlan | null;
  /** Null without limits: attempts start as soon as they are ready. */
  readonly limits: TaskLimits | null;
  /** `events`: event names from `on.event`. */
  readonly on: { readonly r2: readonly R2Rule[]; readonly events: readonly string[] };
  readonly schedules: readonly SchedulePlan[];
  /**
   * Allowed prefixes for `openObject`, such as `s3://bucket/`; absent allows every bucket of the
   * project.
   */
  readonly open?: readonly string[];
  /** Time after which an open run of this root task is late; absent: never. */
  readonly lateAfterMs?: number;
  /** Templates of the tags of runs of this root task; absent without one. */
  readonly tags?: readonly string[];
  /** Permission for tokens with scope `trigger`; absent: see `isCallable`. */
  readonly callable?: boolean;
}

/**
 * Tests whether tokens with scope `trigger` may trigger the task. By default a task with parents is
 * not callable around them.
 */
export function isCallable({
  callable,
  upstream,
}: Pick<TaskPlan, "callable" | "upstream">): boolean {
  return callable ?? upstream.length === 0;
}

/** Identification of an endpoint's callers. Header names are in lower case. */
export type CallerKey =
  | { readonly type: "ip" }
  | { readonly type: "token" }
  | { readonly type: "header"; readonly name: string }
  | { readonly type: "query"; readonly name: string };

export interface EndpointRateLimit extends CallerRule {
  readonly by: CallerKey;
}

export interface EndpointPlan {
  readonly name: string;
  /** Null for a recommendation endpoint. */
  readonly method: string | null;
  /** Hono path with `:params`. */
  readonly url: string;
  /** Upper-case methods; null means any. */
  readonly methods: readonly string[] | null;
  readonly auth: EndpointAuth;
  readonly maxBodyBytes: number;
  /** Timeout of the method, and of the fallback. Components have timeouts of their own. */
  readonly timeoutMs: number;
  /** Registry key of the fallback, called after an exception of the method or a component. */
  readonly fallback: string | null;
  readonly cors: { readonly origins: readonly string[] } | null;
  /** Same as `open` of a task. */
  readonly open?: readonly string[];
  /** Requests per caller in a sliding window; null means unlimited. */
  readonly rateLimit: EndpointRateLimit | null;
  /** Additional secret paths below the body; `*` matches one step. */
  readonly redact: readonly (readonly string[])[];
  /** Absent for an endpoint with a method. */
  readonly recommendation?: RecommendationPlan;
}

export interface Plan {
  /** Hash of the compiled configuration; `conf_version` of its runs. */
  readonly version: string;
  readonly codops: string;
  readonly retentionMs: number;
  readonly inlineLimitBytes: number;
  /** Task triggered with the summary of each failed run; null for none. */
  readonly onFailure: string | null;
  /** Tasks in file order. */
  readonly tasks: Readonly<Record<string, TaskPlan>>;
  readonly endpoints: readonly EndpointPlan[];
  /** R2 buckets bound in wrangler.toml: `bucket_name` to binding name, read by `conf/compile`. */
  readonly buckets: Readonly<Record<string, string>>;
}

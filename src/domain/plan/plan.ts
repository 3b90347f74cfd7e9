/**
 * The compiled `peach.conf`: plain data, made by `conf/compile`, imported as `#generated/plan`.
 * All durations are milliseconds, all sizes bytes, every default filled in.
 */

import type { CallerRule } from "../limits/caller-window.ts";
import type { EndpointAuth } from "./endpoint-auth.ts";
import type { TaskLimits } from "../limits/limit.ts";
import type { RunIf } from "../run/start-rule.ts";

/** When a task that threw is started again. At most `limit` + 1 attempts; lost attempts do not count. */
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

/** An R2 notification triggers the task if bucket, prefix, suffix and action all fit. Empty texts fit every key. */
export interface R2Rule {
  readonly bucket: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly actions: readonly R2Action[];
}

/**
 * What becomes of a due time while the run that the schedule started last is not final.
 * - `allow`: it is started all the same.
 * - `skip`: it is skipped.
 * - `buffer_one`: it waits until that run is final; while one waits, further ones are skipped.
 * - `cancel_running`: that run is cancelled first.
 */
export const OVERLAPS = ["allow", "skip", "buffer_one", "cancel_running"] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** Which due times are started that nobody was there to start in time: none, the latest one, or all. */
export const CATCH_UPS = ["none", "latest", "all"] as const;

export interface CatchUpRule {
  readonly policy: (typeof CATCH_UPS)[number];
  /** How long ago a missed due time may be; null: any time. */
  readonly windowMs: number | null;
}

export interface SchedulePlan {
  /** Digest of cron, timezone and payload: what the schedule is known by, together with its task. */
  readonly id: string;
  /** Five fields, or six with seconds in front, or a nickname such as @daily. */
  readonly cron: string;
  /** Of the IANA database. */
  readonly timezone: string;
  readonly overlap: Overlap;
  readonly catchUp: CatchUpRule;
  /** What its runs carry, as JSON text; null: which schedule is due, and when. */
  readonly payload: string | null;
}

export const DISPATCHES = ["queue", "direct"] as const;
export type Dispatch = (typeof DISPATCHES)[number];

/** Triggers that come within `delayMs` of one another, with the same key, become one run with the last payload. */
export interface DebouncePlan {
  readonly delayMs: number;
  /** The run starts at the latest so long after the first of them; null: it waits for as long as they come. */
  readonly maxWaitMs: number | null;
  /** Path of the key in the payload, by property; null: one key for all. */
  readonly key: readonly string[] | null;
}

/** What becomes of an `each` task when an item fails for good: the task fails, or the item stands as null. */
export const ITEM_ERRORS = ["fail", "continue"] as const;

/** The task runs once per item of the array that it reads. */
export interface EachPlan {
  /** Items under way at a time; one that waits for its next attempt keeps its place. */
  readonly maxParallel: number;
  readonly onError: (typeof ITEM_ERRORS)[number];
}

export interface TaskPlan {
  readonly name: string;
  /** Key into the method registry: `method`, or `module#method`. */
  readonly method: string;
  /** The file that exports it, where `method` does not say. */
  readonly module?: string;
  readonly description: string | null;
  /** In the order of peach.conf. */
  readonly downstream: readonly string[];
  /** Every task that names this one as downstream, in file order: it decides the shape of what the task reads. */
  readonly upstream: readonly string[];
  readonly runIf: RunIf;
  readonly retries: RetryPolicy;
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** It waits for somebody to complete it, once its method has returned. */
  readonly external: boolean;
  readonly dispatch: Dispatch;
  readonly each: EachPlan | null;
  readonly debounce: DebouncePlan | null;
  /** Null: its attempts start whenever they are ready. */
  readonly limits: TaskLimits | null;
  /** `events`: names of events, as `on.event` lists them. */
  readonly on: { readonly r2: readonly R2Rule[]; readonly events: readonly string[] };
  readonly schedules: readonly SchedulePlan[];
  /** What addresses that `openObject` opens begin with, one of these: `s3://bucket/` and more; absent: anything of the project's. */
  readonly open?: readonly string[];
  /** Whether tokens with the scope `trigger` may trigger it; absent: as `isCallable` says. */
  readonly callable?: boolean;
}

/** Whether tokens with the scope `trigger` may trigger the task. One that follows others is not to be reached around them. */
export function isCallable({
  callable,
  upstream,
}: Pick<TaskPlan, "callable" | "upstream">): boolean {
  return callable ?? upstream.length === 0;
}

/** By what callers of an endpoint are told apart. Names of headers are in lower case. */
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
  readonly method: string;
  /** Hono path, with `:params`. */
  readonly url: string;
  /** Upper case; null is any. */
  readonly methods: readonly string[] | null;
  readonly auth: EndpointAuth;
  readonly maxBodyBytes: number;
  /** Of the method, and of the fallback. */
  readonly timeoutMs: number;
  /** Registry key of the endpoint called if the method throws. */
  readonly fallback: string | null;
  readonly cors: { readonly origins: readonly string[] } | null;
  /** As a task's. */
  readonly open?: readonly string[];
  /** How many requests of one caller are let in, in a window that slides; null: any. */
  readonly rateLimit: EndpointRateLimit | null;
  /** Of bodies, besides what sounds like a secret, what is not kept: paths below the body, `*` for any one step. */
  readonly redact: readonly (readonly string[])[];
}

export interface Plan {
  /** Hash of the compiled configuration: `conf_version` of the runs it starts. */
  readonly version: string;
  readonly codops: string;
  readonly retentionMs: number;
  readonly inlineLimitBytes: number;
  /** The task that is triggered with the summary of each run that failed; null: none. */
  readonly onFailure: string | null;
  /** In file order. */
  readonly tasks: Readonly<Record<string, TaskPlan>>;
  readonly endpoints: readonly EndpointPlan[];
  /** The R2 buckets that wrangler.toml binds: `bucket_name` to the name of its binding. `conf/compile` reads them from there. */
  readonly buckets: Readonly<Record<string, string>>;
}

/** What the API answers, as it stands in its JSON: snake_case, times in ISO 8601, durations in milliseconds. */
import type { RunProblem } from "../domain/run/summary.ts";
import type { AttemptStatus, RunStatus, TaskStatus } from "../domain/statuses.ts";
import type { TriggerSource } from "../domain/trigger.ts";

export interface RunReference {
  readonly run_id: string;
  readonly task: string;
}

/** A run with everything that is known of it. */
export interface RunDocument extends RunReference {
  readonly status: RunStatus;
  readonly trigger: {
    readonly source: TriggerSource;
    readonly by: string;
    /** Who asked for it over HTTP; absent: nobody had to say who they are. */
    readonly actor?: { readonly kind: "token" | "access"; readonly name: string } | undefined;
    readonly parent: RunReference | null;
    /** Of a replay: the run that it repeats, and from which task on (null: from the root). */
    readonly replay_of?:
      | { readonly run_id: string; readonly from: string | null }
      | null
      | undefined;
  };
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly duration_ms: number | null;
  readonly conf_version: string;
  readonly tasks: readonly TaskOfRun[];
  readonly children: readonly RunReference[];
}

export interface TaskOfRun {
  readonly task: string;
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
  readonly attempts: readonly Attempt[];
  readonly progress: Progress | null;
  readonly output: {
    readonly kind: string;
    readonly size: number;
    readonly content_type: string;
  } | null;
  /** Only of tasks with `each`. */
  readonly each?: ItemCounts | undefined;
  /** Why it does not go on by itself. */
  readonly waiting_for?: WaitingFor | null | undefined;
  /** Only of a waiting external task, and for admin tokens. */
  readonly completion_url?: string | undefined;
  /** Only of tasks that use `step()`. */
  readonly steps?: readonly { readonly name: string; readonly finished_at: string }[] | undefined;
}

export interface Attempt {
  readonly attempt: number;
  readonly status: AttemptStatus;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly error: {
    readonly name: string;
    readonly message: string;
    readonly stack: string | null;
  } | null;
}

export interface Progress {
  /** 0 to 1. */
  readonly fraction: number;
  readonly message: string | null;
  readonly at?: string | undefined;
}

export interface ItemCounts {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly running: number;
}

/** What a task waits for: its completion, a run that it awaits, or a limit or pause that holds it back. */
export type WaitingFor =
  | { readonly for: "completion"; readonly until: string | null }
  | { readonly for: "run"; readonly run_id: string; readonly task: string }
  | {
      readonly for: "concurrency" | "rate_limit" | "pause";
      readonly key: string | null;
      readonly since: string;
    }
  | {
      readonly for: "deploy";
      readonly method: string;
      readonly since: string;
      readonly until: string;
    };

/** A run as lists and the feed show it. */
export interface RunSummary extends RunReference {
  readonly status: RunStatus;
  readonly source: TriggerSource;
  readonly by: string;
  readonly parent: RunReference | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly duration_ms: number | null;
  readonly failed_tasks: readonly string[];
  /** It cannot be read now, and does not go on: the rest is what it told last. Absent: it can. */
  readonly problem?: RunProblem | undefined;
}

export interface RunPage {
  readonly runs: readonly RunSummary[];
  readonly next_cursor: string | null;
}

export interface RunCounts {
  readonly counts: Readonly<Record<RunStatus, number>>;
  readonly total: number;
}

/** What a call by filter has done, or with `dry_run` would do, to a page of runs. */
export interface BulkResult {
  readonly dry_run: boolean;
  readonly matched: number;
  readonly changed: number;
  readonly runs: readonly {
    readonly run_id: string;
    readonly task: string;
    readonly status: RunStatus;
    readonly result: "cancelled" | "retried" | "replayed" | "refused";
    readonly code?: string | undefined;
    readonly detail?: string | undefined;
    readonly new_run_id?: string | undefined;
  }[];
  readonly next_cursor: string | null;
}

export interface LogLine {
  readonly at: string;
  readonly attempt: number;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

export interface LogPage {
  readonly logs: readonly LogLine[];
  /** Lines beyond what an attempt may log. */
  readonly dropped: number;
  readonly next_cursor?: string | null | undefined;
}

export interface ItemPage {
  readonly items: readonly {
    readonly index: number;
    readonly status: TaskStatus;
    readonly reason: string | null;
    readonly attempts: readonly Attempt[];
    readonly output: TaskOfRun["output"];
  }[];
  readonly next_cursor: string | null;
}

/** A task as it is deployed. */
export interface DeployedTask {
  readonly task: string;
  readonly method: string;
  readonly description: string | null;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
  readonly on: { readonly r2: readonly unknown[]; readonly events: readonly string[] };
  readonly schedules: readonly unknown[];
  readonly retries: unknown;
  /** Of one attempt; of an external task, until it must be completed. */
  readonly timeout_ms: number;
  readonly run_if: string;
  readonly each: unknown;
  readonly concurrency: unknown;
  readonly rate_limit: unknown;
  readonly priority: number | string | null;
  readonly debounce: unknown;
  /** It waits until somebody completes it. */
  readonly external: boolean;
  readonly dispatch: string;
  /** Whether tokens with the scope `trigger` may trigger it. */
  readonly callable: boolean;
  /** JSON Schema, or null if the task is not declared with types. */
  readonly input_schema: unknown;
  readonly output_schema: unknown;
  readonly paused: { readonly by: string; readonly at: string } | null;
}

/** An endpoint as it is deployed. */
export interface DeployedEndpoint {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly methods: readonly string[] | null;
  readonly auth: unknown;
  readonly max_body: unknown;
  readonly timeout_ms: number;
  readonly fallback: string | null;
  readonly cors: unknown;
  readonly rate_limit: {
    readonly limit: number;
    readonly per_ms: number;
    readonly by: string;
  } | null;
  readonly redact: readonly string[];
}

export interface Graph {
  readonly conf_version: string;
  readonly tasks: readonly {
    readonly task: string;
    readonly description: string | null;
    readonly root: boolean;
    readonly upstream: readonly string[];
    readonly downstream: readonly string[];
    readonly triggers: readonly unknown[];
  }[];
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly url: string;
    readonly methods: readonly string[] | null;
  }[];
}

export interface DeployedSchedule {
  readonly task: string;
  readonly cron: string;
  readonly timezone: string;
  readonly overlap: string;
  readonly catch_up: { readonly policy: string; readonly window_ms: number | null };
  readonly payload?: unknown;
  readonly paused: boolean;
  readonly next: readonly { readonly local: string; readonly utc: string }[];
  readonly waiting: readonly string[];
  /** What keeps them: the code that was to start them does not have the task yet. */
  readonly waiting_for: "deploy" | null;
  readonly last_run: {
    readonly run_id: string;
    readonly due_at: string;
    readonly started_at: string;
  } | null;
  readonly skipped: {
    readonly count: number;
    readonly last: {
      readonly due_at: string;
      readonly reason: string;
      readonly detail: string | null;
    } | null;
  };
}

export interface LimitState {
  readonly task: string;
  readonly kind: "concurrency" | "rate_limit";
  readonly key: string | null;
  readonly limit: number;
  /** Of a rate limit. */
  readonly per_ms: number | null;
  readonly in_use: number;
  readonly waiting: number;
}

/** Something that somebody did, or tried to do. */
export interface AuditEntry {
  /** Of like ones that are counted together, the first. */
  readonly at: string;
  /** When the last of them was. */
  readonly last_at: string;
  /** The token's name; `nobody` for those who could not say who they are. */
  readonly who: string;
  readonly what: string;
  /** The names and ids in the call's path, else its query. */
  readonly on: string;
  /** Of the answer. */
  readonly status: number;
  /** The address that it came from. */
  readonly from: string;
  readonly request_id: string;
  /** What the sender calls its request. */
  readonly client_request_id: string | null;
  /** How many like ones this entry stands for. */
  readonly count: number;
}

export interface DeadLetter {
  readonly id: string;
  readonly queue: string;
  readonly reason: string;
  readonly detail: string | null;
  readonly body: unknown;
  readonly received_at: string;
  readonly attempts: number;
  readonly expires_at: string;
}

export interface Redriven {
  readonly id: string;
  readonly redriven: boolean;
  readonly runs: readonly RunReference[];
}

/** A page of a bucket that was held against the runs there are. */
export interface ReconciledPage {
  readonly bucket: string;
  readonly dry_run: boolean;
  readonly listed: number;
  readonly matching: number;
  readonly too_old: number;
  readonly missed: readonly {
    readonly key: string;
    readonly task: string;
    readonly run_id: string;
  }[];
  readonly refused: readonly {
    readonly key: string;
    readonly task: string;
    readonly code: string;
    readonly detail: string;
  }[];
  readonly next_cursor: string | null;
}

/** An API token as it is listed. */
export interface ListedToken {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Set by a variable: nothing else is known of it. */
  readonly configured: boolean;
  readonly created_at: string | null;
  /** The name of the token that made it. */
  readonly created_by: string | null;
  /** To the minute. */
  readonly last_used_at: string | null;
  /** Null: never. */
  readonly expires_at: string | null;
}

/** A session of the dashboard that is not over. */
export interface ListedSession {
  readonly id: string;
  /** The name of the token that was logged in with. */
  readonly token: string;
  /** The address of the browser when it logged in. */
  readonly from: string;
  readonly created_at: string;
  /** To the minute; the session ends 12 hours after it. */
  readonly last_seen_at: string;
  /** When it ends however much it is used. */
  readonly expires_at: string;
}

/** An API token just after it was made. */
export interface CreatedToken extends Pick<ListedToken, "name" | "scopes" | "expires_at"> {
  readonly token: string;
}

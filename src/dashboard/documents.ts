/** What the API answers, as far as the dashboard reads it (see /api/v1/openapi.json). Times are ISO 8601. */
import type { RunProblem } from "../domain/run/summary.ts";
import type { AttemptStatus, RunStatus, TaskStatus } from "../domain/statuses.ts";
import type { TriggerSource } from "../domain/trigger.ts";

export interface RunReference {
  readonly run_id: string;
  readonly task: string;
}

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
  /** It cannot be read now: the rest is what it told last. */
  readonly problem?: RunProblem;
}

export interface RunPage {
  readonly runs: readonly RunSummary[];
  readonly next_cursor: string | null;
}

export interface RunCounts {
  readonly counts: Readonly<Record<RunStatus, number>>;
  readonly total: number;
}

export interface TaskError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
}

export interface AttemptDocument {
  readonly attempt: number;
  readonly status: AttemptStatus;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly error: TaskError | null;
}

export interface PayloadDocument {
  readonly kind: string;
  readonly size: number;
  readonly content_type: string;
}

export interface ProgressDocument {
  readonly fraction: number;
  readonly message: string | null;
  readonly at: string;
}

export interface EachCounts {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly running: number;
}

/** What keeps a task that could go on from going on. */
export type WaitingFor =
  | { readonly for: "completion"; readonly until: string }
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

export interface TaskDocument {
  readonly task: string;
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
  readonly attempts: readonly AttemptDocument[];
  readonly progress?: ProgressDocument | null;
  readonly output: PayloadDocument | null;
  readonly each?: EachCounts;
  readonly steps?: readonly { readonly name: string; readonly finished_at: string }[];
  readonly waiting_for?: WaitingFor | null;
  readonly completion_url?: string;
}

export interface RunDocument extends RunReference {
  readonly status: RunStatus;
  readonly trigger: {
    readonly source: TriggerSource;
    readonly by: string;
    readonly parent: RunReference | null;
    readonly replay_of?: { readonly run_id: string; readonly from: string | null } | null;
  };
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly duration_ms: number | null;
  readonly conf_version: string;
  readonly tasks: readonly TaskDocument[];
  readonly children: readonly RunReference[];
}

/** `event: change` of a run's stream. */
export interface RunChange {
  readonly run: Pick<RunDocument, "status" | "started_at" | "finished_at" | "duration_ms">;
  readonly tasks: readonly TaskDocument[];
  readonly children?: readonly RunReference[];
}

/** `event: progress` of a run's stream. */
export interface ProgressEvent extends ProgressDocument {
  readonly task: string;
  readonly item?: number;
  readonly attempt: number;
}

export interface LogLine {
  readonly attempt: number;
  readonly at: string;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

/** `event: log` of a run's stream. */
export interface LogEvent extends LogLine {
  readonly task: string;
  readonly item?: number;
}

export interface TaskLogs {
  readonly logs: readonly LogLine[];
  readonly dropped: number;
  readonly next_cursor?: string | null;
}

export interface ItemDocument {
  readonly index: number;
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly attempts: readonly AttemptDocument[];
  readonly output: PayloadDocument | null;
}

export interface ItemPage {
  readonly items: readonly ItemDocument[];
  readonly next_cursor: string | null;
}

/** What a trigger of a task answered. */
export interface Accepted extends RunReference {
  readonly deduplicated: boolean;
}

/** What a bulk call found, and did unless it was a dry run. */
export interface BulkAnswer {
  readonly dry_run: boolean;
  readonly matched: number;
  readonly changed: number;
  readonly runs: readonly {
    readonly run_id: string;
    readonly task: string;
    readonly status: RunStatus;
    readonly result: "cancelled" | "retried" | "replayed" | "refused";
    readonly detail?: string;
  }[];
  readonly next_cursor: string | null;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface R2Trigger {
  readonly bucket: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly actions: readonly string[];
}

/** A task of peach.conf. */
export interface DeployedTask {
  readonly task: string;
  readonly description: string | null;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
  readonly on: { readonly r2: readonly R2Trigger[]; readonly events: readonly string[] };
  readonly schedules: readonly { readonly cron: string; readonly timezone: string }[];
  readonly timeout_ms: number;
  /** Whether tokens that only trigger may trigger it. */
  readonly callable: boolean;
  readonly input_schema: JsonSchema | null;
  readonly output_schema: JsonSchema | null;
  /** Absent or null: it goes on. */
  readonly paused?: { readonly by: string; readonly at: string } | null;
}

export interface DeployedEndpoint {
  readonly name: string;
  readonly url: string;
  readonly methods: readonly string[] | null;
  readonly auth: unknown;
  readonly max_body: unknown;
}

export interface Delivery {
  readonly id: string;
  readonly at: string;
  readonly duration_ms: number;
  readonly request_id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly size: number;
    readonly truncated: boolean;
    readonly text?: string;
    readonly base64?: string;
  };
  readonly status: number;
  readonly reason: string | null;
  readonly sender_id: string | null;
  readonly runs: readonly (RunReference & { readonly deduplicated: boolean })[];
  readonly replay_of: string | null;
  /** Absent or null: it was let in. Else it stands for all that were refused so and came from there. */
  readonly refused?: {
    readonly address: string;
    readonly count: number;
    readonly first_at: string;
  } | null;
}

export interface ScheduleDocument {
  readonly task: string;
  readonly cron: string;
  readonly timezone: string;
  readonly overlap: string;
  readonly payload?: unknown;
  readonly paused: { readonly by: string; readonly at: string } | boolean | null;
  readonly next: readonly { readonly local: string; readonly utc: string }[];
  readonly waiting: readonly string[];
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
      readonly detail: string;
    } | null;
  };
}

export interface LimitDocument {
  readonly task: string;
  readonly kind: "concurrency" | "rate_limit";
  readonly key: string | null;
  readonly limit: number;
  readonly per_ms: number | null;
  readonly in_use: number;
  readonly waiting: number;
}

export interface DeadLetter {
  readonly id: string;
  readonly queue: string;
  readonly reason: string;
  readonly detail: string;
  readonly body: unknown;
  readonly received_at: string;
  readonly attempts: number;
  readonly expires_at: string | null;
}

export interface HealthDocument {
  readonly status: string;
  readonly queues: readonly {
    readonly name: string;
    readonly backlog_count: number | null;
    readonly backlog_bytes: number | null;
    readonly oldest_message_at: string | null;
  }[];
  readonly schedules: { readonly lag_ms: number | null };
}

/** RFC 9457. */
export interface ProblemDocument {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint?: string;
  readonly request_id?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

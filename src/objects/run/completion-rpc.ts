/** Completion of external tasks: the questions, reports and answers over RPC. */
import type { CompletionStatus } from "../../domain/run/external-task.ts";
import type { PayloadLimitKeys } from "../../domain/limits/limit.ts";
import type { LimitedChild } from "../../domain/limits/limited-children.ts";
import type { NewPayload } from "../../domain/payload.ts";
import type { AttemptError } from "../../domain/run/attempt.ts";
import type { GrantedLease } from "../../domain/run/machine-events.ts";
import type { TaskStatus } from "../../domain/statuses.ts";
import type { Versioned } from "../../domain/version.ts";
import type { Lease } from "./lease-rpc.ts";

/** An external task: by name, meaning the open attempt, or one attempt. */
export type CompletionTarget = { readonly task: string } | GrantedLease;

/** Facts needed to complete an external task. */
export interface CompletableTask
  extends GrantedLease, Pick<Lease, "method" | "module" | "task" | "inlineLimitBytes"> {
  readonly status: TaskStatus;
  readonly standing: CompletionStatus | "not_external";
  /** Deadline of the open attempt, whichever is named, epoch milliseconds; null: none is open. */
  readonly expiresAt: number | null;
  /** Key that signs the task's URLs; null: none. */
  readonly key: string | null;
  /** Children whose limits read a key of the completing output. */
  readonly limited: readonly LimitedChild[];
}

/** A report of the result of an external attempt. */
export interface CompletionReport extends Versioned, GrantedLease {
  /** Name of the report, the same in each retry: a repeated report finds that the first counted. */
  readonly nonce: string;
  /** Actor that reports, for the history; absent for a report by the completion URL. */
  readonly by?: string;
  readonly outcome:
    | {
        readonly type: "succeeded";
        readonly output: NewPayload;
        /** Limit keys of the output for the `limited` children. */
        readonly limitKeys?: Readonly<Record<string, PayloadLimitKeys>>;
      }
    | { readonly type: "failed"; readonly error: AttemptError };
}

/** Answer to a completion report. */
export interface CompletionAnswer {
  readonly standing: "completed_now" | Exclude<CompletionStatus, "open">;
  readonly status: TaskStatus;
}

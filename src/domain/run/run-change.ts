/** Changes of a run, as recorded in its journal. */
import type { ChildRun, JoinedTrigger, NotificationState } from "./state.ts";
import type { RunId } from "../ids.ts";
import type { PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import type { RunAction } from "./run-action.ts";
import type { RunStatus } from "../statuses.ts";
import type { AttemptRecord, StepRecord } from "./attempt.ts";
import type { OutboxEntry } from "./outbox-entry.ts";
import type { FinalRun, TaskState } from "./task-state.ts";

export interface TaskChange {
  readonly ordinal: number;
  readonly state: TaskState;
  /** New records, or replacements by attempt number. */
  readonly attempts: readonly AttemptRecord[];
  /** Number of attempts before a retry in place; absent without a retry. */
  readonly retriedAfter?: number;
  /** Round that a retry in place begins, from 2; absent without a retry. */
  readonly round?: number;
  /** Length of all ended waits of the task in milliseconds; absent if unchanged. */
  readonly waitedMs?: number;
  /** Root only: time at which the run becomes late; null for a late run; absent if unchanged. */
  readonly lateAt?: number | null;
  /** Actions on the run that this change applies; each is noted at one task only. */
  readonly actions?: readonly RunAction[];
}

export interface RunChange {
  readonly tasks: readonly TaskChange[];
  readonly run?: {
    readonly status: RunStatus;
    readonly startedAt: number | null;
    readonly finishedAt: number | null;
  };
  /** Last assigned fencing token. */
  readonly lastToken?: number;
  readonly children?: readonly ChildRun[];
  /** Payload of a later trigger of a debounced task. */
  readonly payload?: PayloadRef;
  readonly limitKeys?: PayloadLimitKeys;
  /** Trigger of that payload. */
  readonly joined?: JoinedTrigger & { readonly id: string };
  readonly steps?: readonly (StepRecord & { readonly ordinal: number })[];
  /** Awaited runs which are final now. */
  readonly arrived?: readonly (FinalRun & { readonly ordinal: number })[];
  /** New runs waiting for the end of this run. */
  readonly waiters?: readonly RunId[];
  /** A run which found this run by its key, besides the triggering run. */
  readonly foundBy?: RunId;
  /** The parent run has recorded this run as a child. */
  readonly parentKnows?: true;
  /** Waiting runs which acknowledged the end, or no longer exist. */
  readonly notified?: readonly RunId[];
  /** Next notification of the waiting runs. */
  readonly notification?: NotificationState;
  /** New or updated outbox entries, by id. */
  readonly enqueued?: readonly OutboxEntry[];
  /** Ids of acknowledged outbox entries. */
  readonly acknowledged?: readonly number[];
  /** Whether the children are cancelled with this run. */
  readonly cancelsChildren?: boolean;
}

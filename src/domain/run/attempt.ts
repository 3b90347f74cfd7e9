/** Attempts of a task: their records, progress, and causes of loss. */
import type { PayloadRef } from "../payload.ts";
import type { AttemptStatus } from "../statuses.ts";

/** Error of a failed attempt, for the author of the task. */
export interface AttemptError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
}

/** Log lines of an attempt: JSON lines beside the final journal entry of the attempt. */
export interface LogRef {
  readonly seq: number;
  readonly offset: number;
  readonly size: number;
  readonly lines: number;
  /** Lines dropped beyond the limit. */
  readonly dropped: number;
}

export interface AttemptRecord {
  /** Attempt number from 1, including lost attempts. */
  readonly attempt: number;
  readonly status: AttemptStatus;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly error: AttemptError | null;
  readonly logs: LogRef | null;
  /** Cause of a lost attempt, as known so far (see losses.ts). */
  readonly lostTo?: LostTo;
  /** Set if the lost worker ran nothing else. */
  readonly alone?: true;
  /** Set if other attempts died at about the same time, or this is still unknown. */
  readonly beside?: true;
  /** Deployment without the method, for an attempt lost to a deploy (`Deployment.id`). */
  readonly lackedBy?: string;
  /** Last progress report. */
  readonly progress?: Progress;
  /** Nonce of the completing report, for an external attempt. */
  readonly completedBy?: string;
  /** Return of an external attempt's method: the attempt waits for its completion from then on. */
  readonly returnedAt?: number;
  /** Token of an external attempt's lease, as in its completion URL. */
  readonly token?: number;
}

/** Progress reported by an attempt. */
export interface Progress {
  /** Fraction from 0 to 1. */
  readonly fraction: number;
  readonly message: string | null;
  readonly at: number;
}

/** Result of a step, kept for every later attempt of the task. */
export interface StepRecord {
  readonly name: string;
  readonly result: PayloadRef;
  readonly finishedAt: number;
}

/**
 * Cause of a lost attempt.
 * - `worker`: the worker died, or was silent until the end of the lease. The task becomes a suspect
 *   (see losses.ts).
 * - `surroundings`: storage or the platform refused, a deploy replaced the worker, or the run was
 *   unreachable. Not the task's fault.
 * - `deploy`: the deployment lacks the method. The task waits for another deployment (see
 *   `undeployed.ts`).
 */
export type LostTo = "worker" | "surroundings" | "deploy";

/** Dependencies of a run on the outside: the platform's in the object, the test's own in a test. */
import type { RunId } from "../../domain/ids.ts";
import type { QueueProgress } from "../../domain/queue-progress.ts";
import type { ChildRun, Run } from "../../domain/run/state.ts";
import type { RunChange } from "../../domain/run/run-change.ts";
import type { Effect } from "../../domain/run/machine-events.ts";
import type { TroubleHost } from "./alarm-trouble.ts";
import type { After } from "../../platform/patience.ts";
import type { AttemptUpdate } from "./live-attempts.ts";
import type { ParentState } from "./tombstone.ts";
import type { ReportToCatalog } from "./catalog-reporter.ts";

/** Dependencies of `RunController`. */
export interface RunHost {
  /** Current time, epoch milliseconds. */
  now(): number;
  /** Sets the alarm within the current commit: durable together, and answers wait for both. */
  setAlarm(at: number): void;
  /** Time of the alarm; null if none is set, and during the alarm's handler. */
  getAlarm(): Promise<number | null>;
  /** Known progress of the run queue, without a request. */
  queueProgress(): QueueProgress | null;
  /** Progress of the run queue after a request. Always resolves, in bounded time. */
  askQueue(): Promise<QueueProgress | null>;
  /** Records the receipt of a queue message sent at this time (epoch milliseconds). */
  messageReceived(sentAt: number): void;
  /** Tells whether the run has subscribers. */
  hasSubscribers(): boolean;
  /** Publishes a change; `position` is the row of the change in the journal. */
  changed(run: Run, change: RunChange, position: number): void;
  /** Publishes an update of a running attempt. */
  attemptUpdated(run: Run, update: AttemptUpdate): void;
  /** Performs an effect after the commit; the effect may be lost or repeated. */
  perform(run: Run, effect: Effect): void;
  /** Deletes the run's data outside the journal. */
  deletePayloads(runId: RunId, kept: () => readonly string[]): Promise<void>;
  /**
   * Deletes objects of this id from before these times (epoch milliseconds), of triggers and of
   * attempts; no run is recorded. Resolves to whether objects remain.
   */
  deleteAbandoned(triggers: number, attempts: number): Promise<boolean>;
  /**
   * Resolves to the states of the runs that triggered this run: each may trigger the run again, and
   * must find the run. Rejects if a run is unreachable.
   */
  parentStates(parents: readonly RunId[]): Promise<readonly ParentState[]>;
  /**
   * Registers a child with its parent; a missing parent counts as success. Rejects if the parent is
   * unreachable.
   */
  tellParent(parent: RunId, child: ChildRun): Promise<void>;
  /** Logs a failed registration. `isLast`: no retry follows. */
  parentNotTold(error: unknown, isLast: boolean): void;
  /** Reports the run's status to the catalog. */
  readonly reportToCatalog: ReportToCatalog;
  readonly after: After;
  /** Logs a failed report to the catalog; the alarm repeats the report. */
  reportFailed(error: unknown): void;
  /** Logs a failed snapshot; the next change tries again. */
  notShortened(error: unknown): void;
  /** Continues work after the answer. */
  waitUntil(work: Promise<void>): void;
  /**
   * Logs the `strikes`th failure of the alarm in a row; the alarm is set again unless the run was
   * given up.
   */
  alarmFailed(strikes: number, error: unknown): void;
  /** Durable record of the alarm's failures. */
  readonly trouble: TroubleHost;
}

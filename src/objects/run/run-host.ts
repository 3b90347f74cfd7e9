/** What a run needs from outside: the object gives it the platform's, a test its own. */
import type { RunId } from "../../domain/ids.ts";
import type { QueueProgress } from "../../domain/queue-progress.ts";
import type { ChildRun, Run, RunChange } from "../../domain/run/state.ts";
import type { Effect } from "../../domain/run/machine-events.ts";
import type { TroubleSurroundings } from "./alarm-trouble.ts";
import type { After } from "../../platform/patience.ts";
import type { News } from "./live-attempts.ts";
import type { ParentStanding } from "./remembered.ts";
import type { TellCatalog } from "./catalog-reporter.ts";

export interface RunSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Belongs to the commit under way: durable with it, and answers wait for it. */
  setAlarm(at: number): void;
  /** Null if none is set, and while one is handled. */
  getAlarm(): Promise<number | null>;
  /** What is known of the run queue, without asking it. */
  queueProgress(): QueueProgress | null;
  /** The same, once the queue was asked. Resolves always, in bounded time. */
  askQueue(): Promise<QueueProgress | null>;
  /** A message of the run queue was received that was sent then (epoch ms). */
  messageReceived(sentAt: number): void;
  /** Whether anybody listens to the run. */
  isListenedTo(): boolean;
  /** The run has changed; `position` is that of the change in the journal. */
  changed(run: Run, change: RunChange, position: number): void;
  /** An attempt that is under way has said something new. */
  heard(run: Run, news: News): void;
  /** Called after the commit; what comes of it may be lost or repeated. */
  perform(run: Run, effect: Effect): void;
  /** Deletes what the run has outside its journal. */
  deletePayloads(runId: RunId, kept: () => readonly string[]): Promise<void>;
  /**
   * Deletes what was stored before these times (epoch ms) for this id, of which no run is recorded: of triggers, and of attempts.
   * Whether something stays.
   */
  deleteAbandoned(triggers: number, attempts: number): Promise<boolean>;
  /** How runs stand that have triggered this one: each may trigger it again, and must find it. Rejects if one cannot be reached. */
  standingsOf(parents: readonly RunId[]): Promise<readonly ParentStanding[]>;
  /** Has the parent run know its child, or answer that it is no more. Rejects if it cannot be reached. */
  tellParent(parent: RunId, child: ChildRun): Promise<void>;
  /** The parent could not be told of this run. `isLast`: nobody tries again. */
  parentNotTold(error: unknown, isLast: boolean): void;
  /** Tells the catalogue how the run stands. */
  readonly tellCatalog: TellCatalog;
  readonly after: After;
  /** The catalogue could not be told; the alarm will try again. */
  notTold(error: unknown): void;
  /** The journal could not be shortened; the next change tries it again. */
  notShortened(error: unknown): void;
  /** Carries work on beyond the answer. */
  waitUntil(work: Promise<void>): void;
  /** The alarm failed for the `strikes`th time in a row; it is set again, unless that was for good. */
  alarmFailed(strikes: number, error: unknown): void;
  /** Where it is kept that the alarm fails. */
  readonly trouble: TroubleSurroundings;
}

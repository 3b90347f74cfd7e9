/** The code of a run object over storage in memory, in plain Node: its clock, its alarm and its lives are the test's. */
import type { RunId } from "../../src/domain/ids.ts";
import type { ChildRun } from "../../src/domain/run/state.ts";
import type { Effect } from "../../src/domain/run/machine-events.ts";
import { RunController } from "../../src/objects/run/run-controller.ts";
import type { AcceptRequest } from "../../src/objects/run/accept-rpc.ts";
import type { Settlement } from "../../src/objects/run/settlement-rpc.ts";
import type { Grant } from "../../src/objects/run/lease-rpc.ts";
import { Journal, type SnapshotRule } from "../../src/objects/run/journal.ts";
import { MemoryStorage } from "./journal-storage.ts";
import { FRESH_DRIVER, RUN_ID } from "./run-play.ts";
import { inline } from "./settlements.ts";

export interface StoredRow {
  readonly seq: number;
  readonly kind: string;
  readonly bytes: number;
}

export class DrivenRun {
  now = 1_800_000_000_000;
  alarmAt: number | null = null;
  readonly effects: Effect[] = [];
  /** How the parent run answers; it knows its child unless the test says otherwise. */
  tellParent: (parent: RunId, child: ChildRun) => Promise<void> = async () => {};
  isParentLeftAlone = false;
  readonly notShortened: unknown[] = [];
  readonly storage = new MemoryStorage(async () => {});
  store: Journal;
  controller: RunController;
  readonly #snapshot: SnapshotRule | undefined;

  constructor(snapshot?: SnapshotRule) {
    this.#snapshot = snapshot;
    this.store = this.#newStore();
    this.controller = this.#life();
  }

  /** The object is evicted: the next call reads the run back. */
  evict(): void {
    this.store = this.#newStore();
    this.controller = this.#life();
  }

  accept(request: Pick<AcceptRequest, "graph"> & Partial<AcceptRequest>): Grant {
    return this.controller.accept({
      runId: RUN_ID,
      nonce: "n",
      origin: { source: "api", by: "test", parent: null },
      payload: inline(null),
      claim: FRESH_DRIVER,
      ...request,
    }).grant;
  }

  settle(...settlements: readonly Settlement[]): Grant {
    return this.controller.settle({ settlements, claim: FRESH_DRIVER });
  }

  /** Lets time pass until the alarm is due, and fires it. */
  async wakeWhenDue(): Promise<void> {
    const at = this.alarmAt;
    this.now = Math.max(this.now, at ?? this.now);
    this.alarmAt = null;
    await this.controller.alarm(at);
  }

  /** The rows of the journal. `bytes`: of the entry and of what lies beside it. */
  journal(): StoredRow[] {
    const query =
      "SELECT seq, kind, coalesce(length(CAST(entry AS BLOB)), 0) + coalesce(length(data), 0) AS bytes FROM journal ORDER BY seq";
    return Array.from(this.storage.sql.exec(query), ({ seq, kind, bytes }) => ({
      seq: Number(seq),
      kind: String(kind),
      bytes: Number(bytes),
    }));
  }

  /** Of the effects so far, those of this type; they are taken. */
  take<T extends Effect["type"]>(type: T): Extract<Effect, { type: T }>[] {
    return this.effects.splice(0).filter((effect): effect is Extract<Effect, { type: T }> => effect.type === type);
  }

  #newStore(): Journal {
    return this.#snapshot === undefined ? new Journal(this.storage) : new Journal(this.storage, this.#snapshot);
  }

  #life(): RunController {
    return new RunController(this.store, {
      now: () => this.now,
      setAlarm: (at) => {
        this.alarmAt = at;
      },
      getAlarm: async () => this.alarmAt,
      queueProgress: () => null,
      askQueue: async () => null,
      messageReceived: () => {},
      hasSubscribers: () => false,
      attemptUpdated: () => {},
      changed: () => {},
      perform: (_, effect) => void this.effects.push(effect),
      deletePayloads: async () => {},
      deleteAbandoned: async () => false,
      parentStates: async () => [],
      tellParent: (parent, child) => this.tellParent(parent, child),
      parentNotTold: (_, isLast) => void (this.isParentLeftAlone ||= isLast),
      reportToCatalog: async () => true,
      // Short pauses are over at once; what has a limit of time is quicker.
      after: (milliseconds, work) => {
        if (milliseconds < 1_000) work();
        return () => {};
      },
      reportFailed: () => {},
      notShortened: (error) => void this.notShortened.push(error),
      waitUntil: (work) => void work,
      alarmFailed: (_, error) => {
        throw error;
      },
      trouble: NO_TROUBLE,
    });
  }
}

/** An object whose alarm never fails for good. */
export const NO_TROUBLE = {
  read: () => null,
  write: () => {},
  isTransient: () => false,
  notEnded: () => {},
  giveUp: async () => {},
} as const;

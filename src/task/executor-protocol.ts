/**
 * What an executor object does with its order, apart from the platform. Storage, alarm, run and task code come from outside, so
 * that the object and the simulation run the same code.
 *
 * Life: `start` notes the order and sets the alarm → the alarm claims the task → executes → settles → deletes everything.
 * If the object dies while it executes, the platform calls the alarm again; the noted lease tells that an attempt was under way,
 * and it is reported lost at once rather than when its lease runs out; the run then starts a new attempt in a new object.
 * Leases decide, not the alarm's retries: a second object for the same task finds nothing to claim.
 *
 * What it was lost to: to its worker, unless the code was deployed anew since, or the attempt had ended and only its result is gone.
 *
 * A run that cannot be reached is tried again with growing pauses, for the last time when the lease is over, or when nobody waits for
 * the order any more: the run has started other objects by then. An order that newer code has noted waits for that code.
 */
import { LEASE_GRACE_MS } from "../core/graph.ts";
import type { RunId } from "../core/ids.ts";
import type { LostTo } from "../core/run.ts";
import { deployPauseMs, FORMAT_VERSION, isKnownFormat, type Versioned } from "../core/version.ts";
import type { Lease, Settlement } from "../run/run-rpc.ts";

/** Before the run is tried again: doubles each time. */
const ALARM_PAUSE_MS = { first: 2_000, most: 60_000 } as const;

/** How long an order without a lease is worth carrying out. */
const ORDER_MS = 900_000;

/** How long an order of newer code waits for that code: an attempt takes as long as an order is worth at most. */
const NEWER_ORDER_MS = 2 * ORDER_MS;

/** Its `v` and `at` stay what they are in every format. */
export interface ExecutorOrder extends Versioned {
  readonly runId: RunId;
  readonly ordinal: number;
  /** When it came. */
  readonly at: number;
  /** Once claimed: which attempt runs here. */
  readonly lease: NotedLease | null;
}

export interface NotedLease {
  readonly attempt: number;
  readonly token: number;
  /** When it is over. */
  readonly until: number;
  /** The version of the code that began the attempt. */
  readonly version: string;
  /** The attempt has ended, and its run could not be told yet; absent: it has not. */
  readonly hasEnded?: true;
}

export interface ExecutorSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Of the deployed code. */
  readonly version: string;
  order(): ExecutorOrder | null;
  note(order: ExecutorOrder): void;
  /** Resolves once what was noted is durable. */
  sync(): Promise<void>;
  /** Deletes the order and the alarm. */
  deleteAll(): Promise<void>;
  setAlarm(at: number): Promise<void>;
  /** Claims the task of this order from its run. */
  begin(order: ExecutorOrder): Promise<Lease | null>;
  /** Resolves always. */
  execute(lease: Lease): Promise<Settlement>;
  /** Tells the run, with a few tries; `onFailure` is called after each that fails. */
  settle(order: ExecutorOrder, settlement: Settlement, onFailure: () => Promise<void>): Promise<void>;
  /** The run could not be reached; it is tried again, unless that was the last time. */
  alarmFailed(order: ExecutorOrder, error: unknown, isLast: boolean): void;
}

export class ExecutorProtocol {
  readonly #around: ExecutorSurroundings;
  /** What an attempt that has ended came to, while its run cannot be told: up to 14 minutes of work are worth keeping. */
  #unsettled: Settlement | null = null;
  #failures = 0;

  constructor(around: ExecutorSurroundings) {
    this.#around = around;
  }

  async start(runId: RunId, ordinal: number): Promise<void> {
    if (this.#around.order() !== null) return;
    const at = this.#around.now();
    this.#around.note({ v: FORMAT_VERSION, runId, ordinal, at, lease: null });
    await this.#around.setAlarm(at + 1);
  }

  /** Rejects only when the object's own storage fails; the platform tries that a few times again. */
  async alarm(): Promise<void> {
    const order = this.#around.order();
    if (order === null) return;
    if (!isKnownFormat(order.v ?? 1)) return this.#waitForNewerCode(order);
    const isLast = this.#around.now() >= endOf(order);
    try {
      await this.#carryOut(order);
    } catch (error) {
      this.#around.alarmFailed(order, error, isLast);
      if (!isLast) return this.#tryAgain(this.#around.order() ?? order);
    }
    await this.#around.deleteAll();
  }

  /** The run has started other objects, or does so when the lease is over, if that takes too long. */
  async #waitForNewerCode({ at }: Pick<ExecutorOrder, "at">): Promise<void> {
    const now = this.#around.now();
    if (now >= at + NEWER_ORDER_MS) return this.#around.deleteAll();
    await this.#around.setAlarm(Math.min(at + NEWER_ORDER_MS, now + deployPauseMs(now - at)));
  }

  async #tryAgain(order: ExecutorOrder): Promise<void> {
    const pauseMs = Math.min(ALARM_PAUSE_MS.most, ALARM_PAUSE_MS.first * 2 ** this.#failures);
    this.#failures += 1;
    const now = this.#around.now();
    await this.#around.setAlarm(Math.max(now + 1, Math.min(now + pauseMs, endOf(order))));
  }

  async #carryOut(order: ExecutorOrder): Promise<void> {
    const { lease: noted } = order;
    if (noted !== null) return this.#settle(order, noted, this.#unsettled ?? this.#lost(order.ordinal, noted));
    const lease = await this.#around.begin(order);
    if (lease === null) return;
    const { attempt, token, timeoutMs } = lease;
    const until = this.#around.now() + timeoutMs + LEASE_GRACE_MS;
    const noting = { attempt, token, until, version: this.#around.version };
    this.#around.note({ ...order, lease: noting });
    await this.#around.sync();
    this.#unsettled = await this.#around.execute(lease);
    await this.#settle(order, noting, this.#unsettled);
  }

  /** Should the object die before it reaches its run, the next life knows that the attempt had ended by then. */
  #settle(order: ExecutorOrder, lease: NotedLease, settlement: Settlement): Promise<void> {
    return this.#around.settle(order, settlement, async () => {
      if (this.#unsettled === null || this.#around.order()?.lease?.hasEnded === true) return;
      this.#around.note({ ...order, lease: { ...lease, hasEnded: true } });
      await this.#around.sync();
    });
  }

  #lost(ordinal: number, { attempt, token, version, hasEnded }: NotedLease): Settlement {
    const [to, message]: [LostTo, string] =
      hasEnded === true
        ? ["surroundings", "the attempt had ended, but its run could not be reached before its result was gone"]
        : version === this.#around.version
          ? ["worker", "the attempt's worker died before it had ended"]
          : ["surroundings", "a deploy took the attempt's worker before it had ended"];
    return {
      ordinal,
      attempt,
      token,
      outcome: { type: "lost", to, error: { name: "WorkerLostError", message, stack: null } },
      children: [],
      logs: [],
      logsDropped: 0,
    };
  }
}

/** When the order is tried for the last time. */
function endOf({ at, lease }: ExecutorOrder): number {
  return lease === null ? at + ORDER_MS : lease.until;
}

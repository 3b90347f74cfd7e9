/**
 * The logic of an executor object, apart from the platform. Storage, alarm, run and task code are
 * injected, so a test can replace them.
 *
 * Life cycle: `start` stores the order and sets the alarm → the alarm claims the task → executes →
 * settles → deletes everything. If the object dies while executing, the platform repeats the alarm.
 * The stored lease then shows that an attempt was running; it is settled as lost at once, not at
 * the end of its lease, and the run starts a new attempt in a new object. Leases decide, not the
 * alarm's retries: a second object for the same task finds nothing to claim.
 *
 * A lost attempt was lost to its worker, unless the code was deployed anew since, or the attempt
 * had ended and only its result was lost. Deaths of workers are recorded in one place for all runs,
 * the witness (objects/deaths/deaths-object.ts). The run is told at once, together with the deaths
 * of the task in which nothing else died. Whether other attempts died at the same moment is not
 * known yet: if the task would fail because of this death, the object first waits for their reports
 * (`WITNESS_MS`). If the witness is unreachable, the death is reported later, while the run
 * continues.
 *
 * A suspect that has died again is tried alone (domain/trials.ts): its object asks for a trial
 * until it may begin. When the pause is over the object is useless, since the run then starts
 * another one, which begins in any case.
 *
 * An unreachable run is tried again with growing delays, for the last time when the lease is over
 * or the order is too old: the run has started other objects by then. An order stored by newer code
 * waits for that code.
 */
import { LEASE_GRACE_MS } from "../../domain/plan/run-graph.ts";
import { DEATHS } from "../../domain/run/losses.ts";
import type { RunId } from "../../domain/ids.ts";
import type { Claimant } from "../../domain/run/machine-events.ts";
import type { LostTo } from "../../domain/run/attempt.ts";
import type { Trial } from "../../domain/trials.ts";
import {
  deployPauseMs,
  FORMAT_VERSION,
  isKnownFormat,
  type Versioned,
} from "../../domain/version.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { Settlement } from "../../objects/run/settlement-rpc.ts";

/** Delay before the run is tried again; doubles each time. Milliseconds. */
const ALARM_PAUSE_MS = { first: 2_000, most: 60_000 } as const;

/** Alarms of objects that died together are repeated within this time. Milliseconds. */
const WITNESS_MS = 5_000;

/**
 * Delay before asking for the trial again: an eighth of the time waited so far, within these
 * bounds. Milliseconds.
 */
const ASK_PAUSE_MS = { least: 1_000, most: 5_000 } as const;

/**
 * Reporting a death to the witness is retried with doubling delays, as long as a death is evidence
 * about others (objects/deaths/store.ts). Milliseconds.
 */
const TELL_WITNESS_MS = { least: 2_000, for: 600_000 } as const;

/** Age at which an order without a lease is dropped. Milliseconds. */
const ORDER_MS = 900_000;

/**
 * Age at which an order of newer code is dropped: twice `ORDER_MS`, which is the longest attempt.
 */
const NEWER_ORDER_MS = 2 * ORDER_MS;

/** The order of an executor object. `v` and `at` keep their meaning in every format. */
export interface ExecutorOrder extends Versioned {
  readonly runId: RunId;
  readonly ordinal: number;
  /** Time of the order. */
  readonly at: number;
  /** The attempt running here; null before the claim. */
  readonly lease: NotedLease | null;
  /** The trial of a suspect; absent for other tasks. */
  readonly trial?: Trial;
}

export interface NotedLease {
  readonly attempt: number;
  readonly token: number;
  /** Start of the attempt; absent if older code claimed it. */
  readonly begunAt?: number;
  /** End of the lease. */
  readonly until: number;
  /** The version of the code that started the attempt. */
  readonly version: string;
  /** The attempt has ended, and its run was unreachable. Absent while it runs. */
  readonly hasEnded?: true;
  /**
   * When a later life found the attempt dead; it then waits for reports of attempts that died with
   * it. Absent otherwise.
   */
  readonly missedAt?: number;
  /** The run knows of the death, but the witness does not. Absent otherwise. */
  readonly isUnwitnessed?: true;
}

export type TrialClaim = Pick<Claimant, "onTrial">;

/** A death that a later life found. Times are epoch milliseconds. */
export interface FoundDeath {
  readonly attempt: number;
  readonly begunAt: number;
  readonly foundAt: number;
}

/** The witness's view of the task's attempts that died. */
export interface Verdict {
  readonly sole: readonly number[];
  readonly explained: readonly number[];
}

export interface ExecutorHost {
  /** Epoch milliseconds. */
  now(): number;
  /** The version of the deployed code. */
  readonly version: string;
  order(): ExecutorOrder | null;
  note(order: ExecutorOrder): void;
  /** Resolves once the stored order is durable. */
  sync(): Promise<void>;
  /** Deletes the order and the alarm. */
  deleteAll(): Promise<void>;
  setAlarm(at: number): void;
  /** Claims the task of this order from its run. */
  begin(order: ExecutorOrder, claim: TrialClaim): Promise<Lease | null>;
  /** Never rejects. */
  execute(lease: Lease): Promise<Settlement>;
  /** Settles with the run, with a few tries; `onFailure` is called after each failed try. */
  settle(
    order: ExecutorOrder,
    settlement: Settlement,
    onFailure: () => Promise<void>,
  ): Promise<void>;
  /**
   * Reports the death of this order's attempt to the witness. Never rejects. Resolves to the
   * attempts of the task, this one included, that died while nothing else died as far as known now,
   * and those with another cause; to null if the witness is unreachable.
   */
  died(order: ExecutorOrder, death: FoundDeath): Promise<Verdict | null>;
  /**
   * Asks whether the suspect of this order may begin now; null if the answer cannot be had. Never
   * rejects.
   */
  askTrial(order: ExecutorOrder, trial: Trial): Promise<boolean | null>;
  /** Ends the trial of this order's suspect. Never rejects. */
  trialOver(order: ExecutorOrder): Promise<void>;
  /** The run was unreachable. The order is tried again unless `isLast`. */
  alarmFailed(order: ExecutorOrder, error: unknown, isLast: boolean): void;
}

export class ExecutorController {
  readonly #host: ExecutorHost;
  /**
   * The result of an ended attempt whose run is unreachable: up to 14 minutes of work are worth
   * keeping.
   */
  #unsettled: Settlement | null = null;
  /** The lease of an attempt whose death the witness does not know; null: none. */
  #unwitnessed: NotedLease | null = null;
  #failures = 0;
  readonly #alarm: AlarmClock;
  /** The running alarm handler. */
  #underWay: Promise<void> | null = null;

  constructor(host: ExecutorHost) {
    this.#host = host;
    this.#alarm = new AlarmClock(
      () => host.now(),
      (at) => host.setAlarm(at),
    );
  }

  start(runId: RunId, ordinal: number, trial?: Trial): void {
    if (this.#host.order() !== null) return;
    const at = this.#host.now();
    this.#host.note({
      v: FORMAT_VERSION,
      runId,
      ordinal,
      at,
      lease: null,
      ...(trial !== undefined && { trial }),
    });
    this.#alarm.set(at);
  }

  /**
   * Handles the alarm. Rejects only when the object's own storage fails; the platform then retries
   * a few times. A second call in the same life, while the attempt is running, is the same alarm:
   * the attempt is not dead. `firing`: the time that the alarm was set to, epoch milliseconds; null
   * if the platform does not tell.
   */
  alarm(firing: number | null = null): Promise<void> {
    this.#alarm.fires(firing);
    this.#underWay ??= this.#goOn().finally(() => {
      this.#alarm.handled();
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #goOn(): Promise<void> {
    const order = this.#host.order();
    if (order === null) return;
    if (!isKnownFormat(order.v ?? 1)) return this.#waitForNewerCode(order);
    const isLast = this.#host.now() >= endOf(order);
    try {
      const isOver = await this.#carryOut(order);
      if (!isOver) return;
    } catch (error) {
      this.#host.alarmFailed(order, error, isLast);
      if (!isLast) return this.#tryAgain(this.#host.order() ?? order);
    }
    await this.#host.deleteAll();
  }

  /**
   * Waits for newer code. If the wait takes too long, the run has started other objects, or does so
   * at the end of the lease.
   */
  async #waitForNewerCode({ at }: Pick<ExecutorOrder, "at">): Promise<void> {
    const now = this.#host.now();
    if (now >= at + NEWER_ORDER_MS) return this.#host.deleteAll();
    this.#alarm.set(Math.min(at + NEWER_ORDER_MS, now + deployPauseMs(now - at)));
  }

  #tryAgain(order: ExecutorOrder): void {
    const pauseMs = Math.min(ALARM_PAUSE_MS.most, ALARM_PAUSE_MS.first * 2 ** this.#failures);
    this.#failures += 1;
    this.#alarm.set(Math.min(this.#host.now() + pauseMs, endOf(order)));
  }

  /** Returns false if work remains for the next alarm. */
  async #carryOut(order: ExecutorOrder): Promise<boolean> {
    const { lease: noted } = order;
    if (noted?.isUnwitnessed === true) return this.#tellWitness(order, noted);
    if (noted !== null) {
      const settlement = this.#unsettled ?? (await this.#lost(order, noted));
      if (settlement === null) return false;
      await this.#settle(order, noted, settlement);
      return this.#unwitnessed === null || this.#tellLater(order, this.#unwitnessed);
    }
    return order.trial === undefined ? this.#begin(order, {}) : this.#beTried(order, order.trial);
  }

  async #beTried(order: ExecutorOrder, trial: Trial): Promise<boolean> {
    const isDue = trial.mostMs === 0;
    const waitedMs = this.#host.now() - order.at;
    if (!isDue && waitedMs >= trial.mostMs) return true;
    const asked = this.#host.askTrial(order, trial);
    // After the pause, the suspect begins without waiting for the answer.
    if (!isDue && !((await asked) ?? waitedMs >= trial.drawnMs)) {
      // A negative time is the distance that a clock set back has to catch up: waiting takes as
      // long.
      const pauseMs = Math.max(
        ASK_PAUSE_MS.least,
        Math.min(ASK_PAUSE_MS.most, Math.round(Math.abs(waitedMs) / 8)),
      );
      this.#alarm.set(this.#host.now() + pauseMs);
      return false;
    }
    return this.#begin(order, isDue ? {} : { onTrial: true }, async () => {
      await asked;
      await this.#host.trialOver(order);
    });
  }

  /** Claims and executes. `ended` is called when the attempt has ended, or does not begin. */
  async #begin(
    order: ExecutorOrder,
    claim: TrialClaim,
    ended = async (): Promise<void> => {},
  ): Promise<boolean> {
    const lease = await this.#host.begin(order, claim);
    if (lease === null) {
      await ended();
      return true;
    }
    const { attempt, token, timeoutMs } = lease;
    const begunAt = this.#host.now();
    const noting = {
      attempt,
      token,
      begunAt,
      until: begunAt + timeoutMs + LEASE_GRACE_MS,
      version: this.#host.version,
    };
    this.#host.note({ ...order, lease: noting });
    await this.#host.sync();
    this.#unsettled = await this.#host.execute(lease);
    const telling = ended();
    try {
      await this.#settle(order, noting, this.#unsettled);
    } finally {
      await telling;
    }
    return true;
  }

  /**
   * Settles, and stores that the attempt has ended if the run is unreachable: after a death of the
   * object, the next life knows.
   */
  #settle(order: ExecutorOrder, lease: NotedLease, settlement: Settlement): Promise<void> {
    return this.#host.settle(order, settlement, async () => {
      if (this.#unsettled === null || this.#host.order()?.lease?.hasEnded === true) return;
      this.#host.note({ ...order, lease: { ...lease, hasEnded: true } });
      await this.#host.sync();
    });
  }

  /**
   * Reports a death to the witness after the run was told. The run does not need the answer, but
   * the witness must know: another attempt that died in the same moment could be blamed otherwise.
   */
  async #tellWitness(order: ExecutorOrder, noted: NotedLease): Promise<boolean> {
    const { missedAt = this.#host.now() } = noted;
    const verdict = await this.#host.died(order, deathOf(order, noted, missedAt));
    return verdict !== null || this.#tellLater(order, noted);
  }

  /** Schedules another report to the witness. Returns true if the report is too late to matter. */
  #tellLater(order: ExecutorOrder, noted: NotedLease): boolean {
    const now = this.#host.now();
    const sinceMs = now - (noted.missedAt ?? now);
    if (sinceMs >= TELL_WITNESS_MS.for) return true;
    this.#host.note({ ...order, lease: noted });
    this.#alarm.set(now + Math.max(TELL_WITNESS_MS.least, sinceMs));
    return false;
  }

  /** The settlement of an attempt that an earlier life lost; null if the cause is not known yet. */
  async #lost(order: ExecutorOrder, noted: NotedLease): Promise<Settlement | null> {
    if (noted.hasEnded === true)
      return lostTo(
        order,
        noted,
        "surroundings",
        "the attempt had ended, but its run could not be reached before its result was gone",
      );
    if (noted.version !== this.#host.version) {
      if (order.trial !== undefined) await this.#host.trialOver(order);
      return lostTo(
        order,
        noted,
        "surroundings",
        "a deploy took the attempt's worker before it had ended",
      );
    }
    const { missedAt = this.#host.now() } = noted;
    const verdict = await this.#host.died(order, deathOf(order, noted, missedAt));
    const { sole: known, explained } = verdict ?? { sole: [], explained: [] };
    this.#unwitnessed = verdict === null ? { ...noted, missedAt, isUnwitnessed: true } : null;
    const earlier = known.filter((one) => one !== noted.attempt);
    const isDecisive = known.length > earlier.length && known.length >= DEATHS.sole;
    const now = this.#host.now();
    if (isDecisive && now < missedAt + WITNESS_MS) {
      this.#host.note({ ...order, lease: { ...noted, missedAt } });
      this.#alarm.set(missedAt + WITNESS_MS);
      return null;
    }
    const sole = isDecisive ? known : earlier;
    return lostTo(order, noted, "worker", "the attempt's worker died before it had ended", {
      sole,
      explained,
    });
  }
}

function deathOf(
  { at }: ExecutorOrder,
  { attempt, begunAt = at }: NotedLease,
  foundAt: number,
): FoundDeath {
  return { attempt, begunAt, foundAt };
}

function lostTo(
  { ordinal }: ExecutorOrder,
  { attempt, token }: NotedLease,
  to: Exclude<LostTo, "deploy">,
  message: string,
  verdict?: Verdict,
): Settlement {
  return {
    ordinal,
    attempt,
    token,
    outcome: {
      type: "lost",
      to,
      error: { name: "WorkerLostError", message, stack: null },
      ...verdict,
    },
    children: [],
    logs: [],
    logsDropped: 0,
  };
}

/** The time of the last try for an order. */
function endOf({ at, lease }: ExecutorOrder): number {
  return lease === null ? at + ORDER_MS : lease.until;
}

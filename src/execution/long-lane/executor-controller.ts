/**
 * What an executor object does with its order, apart from the platform. Storage, alarm, run and task code come from outside, so
 * that a test can have its own.
 *
 * Life: `start` notes the order and sets the alarm → the alarm claims the task → executes → settles → deletes everything.
 * If the object dies while it executes, the platform calls the alarm again; the noted lease tells that an attempt was under way,
 * and it is reported lost at once rather than when its lease runs out; the run then starts a new attempt in a new object.
 * Leases decide, not the alarm's retries: a second object for the same task finds nothing to claim.
 *
 * What it was lost to: to its worker, unless the code was deployed anew since, or the attempt had ended and only its result is gone.
 * Who has died with its worker is noted where the deaths of all runs are (objects/deaths/deaths-object.ts), and the run is told at once,
 * with which of the task's deaths nobody else died in. Whether others have died now cannot be known yet; where the task would fail for
 * this death, the object first waits until they have been told of (`WITNESS_MS`). A witness that cannot be told is told later, while the
 * run goes on.
 *
 * A suspect that has died again is tried, one after the other (domain/trials.ts): its object asks for the trial until it may begin, and is
 * of no use any more when the pause is over, since the run starts another one then, which begins in any case.
 *
 * A run that cannot be reached is tried again with growing pauses, for the last time when the lease is over, or when nobody waits for
 * the order any more: the run has started other objects by then. An order that newer code has noted waits for that code.
 */
import { LEASE_GRACE_MS } from "../../domain/plan/run-graph.ts";
import { DEATHS } from "../../domain/run/losses.ts";
import type { RunId } from "../../domain/ids.ts";
import type { Claimant } from "../../domain/run/machine-events.ts";
import type { LostTo } from "../../domain/run/state.ts";
import type { Trial } from "../../domain/trials.ts";
import {
  deployPauseMs,
  FORMAT_VERSION,
  isKnownFormat,
  type Versioned,
} from "../../domain/version.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import type { Lease, Settlement } from "../../objects/run/run-rpc.ts";

/** Before the run is tried again: doubles each time. */
const ALARM_PAUSE_MS = { first: 2_000, most: 60_000 } as const;

/** Objects that have died together have their alarms called again within so long. */
const WITNESS_MS = 5_000;

/** Before the trial is asked for again: an eighth of the time that it was waited for, within these bounds. */
const ASK_PAUSE_MS = { least: 1_000, most: 5_000 } as const;

/** The witness is told of a death for so long, with pauses that double: as long as a death says anything of others (objects/deaths/store.ts). */
const TELL_WITNESS_MS = { least: 2_000, for: 600_000 } as const;

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
  /** The attempt is one of a suspect that is tried; absent: of none. */
  readonly trial?: Trial;
}

export interface NotedLease {
  readonly attempt: number;
  readonly token: number;
  /** When it was begun; absent: code that did not note it has claimed it. */
  readonly begunAt?: number;
  /** When it is over. */
  readonly until: number;
  /** The version of the code that began the attempt. */
  readonly version: string;
  /** The attempt has ended, and its run could not be told yet; absent: it has not. */
  readonly hasEnded?: true;
  /** When a later life has found that the attempt had died, and waits for those who died with it; absent: none does. */
  readonly missedAt?: number;
  /** Its run knows that, and the witness does not; absent: it does, or the run does not know it either. */
  readonly isUnwitnessed?: true;
}

export type TrialClaim = Pick<Claimant, "onTrial">;

/** Times are epoch milliseconds. */
export interface FoundDeath {
  readonly attempt: number;
  readonly begunAt: number;
  readonly foundAt: number;
}

/** What the witness says of the attempts of a task that have died. */
export interface Verdict {
  readonly sole: readonly number[];
  readonly explained: readonly number[];
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
  setAlarm(at: number): void;
  /** Claims the task of this order from its run. */
  begin(order: ExecutorOrder, claim: TrialClaim): Promise<Lease | null>;
  /** Resolves always. */
  execute(lease: Lease): Promise<Settlement>;
  /** Tells the run, with a few tries; `onFailure` is called after each that fails. */
  settle(
    order: ExecutorOrder,
    settlement: Settlement,
    onFailure: () => Promise<void>,
  ): Promise<void>;
  /**
   * Notes that the attempt of this order has died; resolves always, to those attempts of its task, this one included, that have died
   * while nobody else did as far as is known by now, and those that others are to blame for; to null if the witness cannot be told.
   */
  died(order: ExecutorOrder, death: FoundDeath): Promise<Verdict | null>;
  /** Whether the suspect of this order may begin now; null: nobody can be asked. Resolves always. */
  askTrial(order: ExecutorOrder, trial: Trial): Promise<boolean | null>;
  /** The suspect of this order has ended, or does not begin; resolves always. */
  trialOver(order: ExecutorOrder): Promise<void>;
  /** The run could not be reached; it is tried again, unless that was the last time. */
  alarmFailed(order: ExecutorOrder, error: unknown, isLast: boolean): void;
}

export class ExecutorProtocol {
  readonly #around: ExecutorSurroundings;
  /** What an attempt that has ended came to, while its run cannot be told: up to 14 minutes of work are worth keeping. */
  #unsettled: Settlement | null = null;
  /** The lease of an attempt whose death the witness could not be told of; null: none. */
  #unwitnessed: NotedLease | null = null;
  #failures = 0;
  readonly #alarm: AlarmClock;
  /** The alarm is being carried out. */
  #underWay: Promise<void> | null = null;

  constructor(around: ExecutorSurroundings) {
    this.#around = around;
    this.#alarm = new AlarmClock(
      () => around.now(),
      (at) => around.setAlarm(at),
    );
  }

  start(runId: RunId, ordinal: number, trial?: Trial): void {
    if (this.#around.order() !== null) return;
    const at = this.#around.now();
    this.#around.note({
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
   * Rejects only when the object's own storage fails; the platform tries that a few times again. Called again in the same life, while
   * its attempt is under way, it is the same alarm: that attempt has not died. `firing`: what the alarm was set to, epoch milliseconds;
   * null: the platform does not tell.
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
    const order = this.#around.order();
    if (order === null) return;
    if (!isKnownFormat(order.v ?? 1)) return this.#waitForNewerCode(order);
    const isLast = this.#around.now() >= endOf(order);
    try {
      const isOver = await this.#carryOut(order);
      if (!isOver) return;
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
    this.#alarm.set(Math.min(at + NEWER_ORDER_MS, now + deployPauseMs(now - at)));
  }

  #tryAgain(order: ExecutorOrder): void {
    const pauseMs = Math.min(ALARM_PAUSE_MS.most, ALARM_PAUSE_MS.first * 2 ** this.#failures);
    this.#failures += 1;
    this.#alarm.set(Math.min(this.#around.now() + pauseMs, endOf(order)));
  }

  /** False: it goes on when its alarm is called again. */
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
    const waitedMs = this.#around.now() - order.at;
    if (!isDue && waitedMs >= trial.mostMs) return true;
    const asked = this.#around.askTrial(order, trial);
    // One whose pause is over does not wait for the answer.
    if (!isDue && !((await asked) ?? waitedMs >= trial.drawnMs)) {
      // Less than nothing is how far a clock that was set back has to catch up: it takes as long.
      const pauseMs = Math.max(
        ASK_PAUSE_MS.least,
        Math.min(ASK_PAUSE_MS.most, Math.round(Math.abs(waitedMs) / 8)),
      );
      this.#alarm.set(this.#around.now() + pauseMs);
      return false;
    }
    return this.#begin(order, isDue ? {} : { onTrial: true }, async () => {
      await asked;
      await this.#around.trialOver(order);
    });
  }

  /** `ended` is called when the attempt has ended, or does not begin. */
  async #begin(
    order: ExecutorOrder,
    claim: TrialClaim,
    ended = async (): Promise<void> => {},
  ): Promise<boolean> {
    const lease = await this.#around.begin(order, claim);
    if (lease === null) {
      await ended();
      return true;
    }
    const { attempt, token, timeoutMs } = lease;
    const begunAt = this.#around.now();
    const noting = {
      attempt,
      token,
      begunAt,
      until: begunAt + timeoutMs + LEASE_GRACE_MS,
      version: this.#around.version,
    };
    this.#around.note({ ...order, lease: noting });
    await this.#around.sync();
    this.#unsettled = await this.#around.execute(lease);
    const telling = ended();
    try {
      await this.#settle(order, noting, this.#unsettled);
    } finally {
      await telling;
    }
    return true;
  }

  /** Should the object die before it reaches its run, the next life knows that the attempt had ended by then. */
  #settle(order: ExecutorOrder, lease: NotedLease, settlement: Settlement): Promise<void> {
    return this.#around.settle(order, settlement, async () => {
      if (this.#unsettled === null || this.#around.order()?.lease?.hasEnded === true) return;
      this.#around.note({ ...order, lease: { ...lease, hasEnded: true } });
      await this.#around.sync();
    });
  }

  /** The run goes on without what the witness says; but it must know, or another one that has died then may be taken for the cause. */
  async #tellWitness(order: ExecutorOrder, noted: NotedLease): Promise<boolean> {
    const { missedAt = this.#around.now() } = noted;
    const verdict = await this.#around.died(order, deathOf(order, noted, missedAt));
    return verdict !== null || this.#tellLater(order, noted);
  }

  /** Whether it is too late for that. */
  #tellLater(order: ExecutorOrder, noted: NotedLease): boolean {
    const now = this.#around.now();
    const sinceMs = now - (noted.missedAt ?? now);
    if (sinceMs >= TELL_WITNESS_MS.for) return true;
    this.#around.note({ ...order, lease: noted });
    this.#alarm.set(now + Math.max(TELL_WITNESS_MS.least, sinceMs));
    return false;
  }

  /** What the attempt of an earlier life was lost to; null: that is known later. */
  async #lost(order: ExecutorOrder, noted: NotedLease): Promise<Settlement | null> {
    if (noted.hasEnded === true)
      return lostTo(
        order,
        noted,
        "surroundings",
        "the attempt had ended, but its run could not be reached before its result was gone",
      );
    if (noted.version !== this.#around.version) {
      if (order.trial !== undefined) await this.#around.trialOver(order);
      return lostTo(
        order,
        noted,
        "surroundings",
        "a deploy took the attempt's worker before it had ended",
      );
    }
    const { missedAt = this.#around.now() } = noted;
    const verdict = await this.#around.died(order, deathOf(order, noted, missedAt));
    const { sole: known, explained } = verdict ?? { sole: [], explained: [] };
    this.#unwitnessed = verdict === null ? { ...noted, missedAt, isUnwitnessed: true } : null;
    const earlier = known.filter((one) => one !== noted.attempt);
    const isDecisive = known.length > earlier.length && known.length >= DEATHS.sole;
    const now = this.#around.now();
    if (isDecisive && now < missedAt + WITNESS_MS) {
      this.#around.note({ ...order, lease: { ...noted, missedAt } });
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

/** When the order is tried for the last time. */
function endOf({ at, lease }: ExecutorOrder): number {
  return lease === null ? at + ORDER_MS : lease.until;
}

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
import type { Trial } from "../../domain/trials.ts";
import { deployPauseMs, FORMAT_VERSION, isKnownFormat } from "../../domain/version.ts";
import { AlarmClock } from "../../platform/alarm-clock.ts";
import type { Settlement } from "../../objects/run/settlement-rpc.ts";
import type { ExecutorHost, TrialClaim } from "./executor-host.ts";
import {
  deathOf,
  lastTryAt,
  lostSettlement,
  ORDER_MS,
  type ExecutorOrder,
  type NotedLease,
} from "./executor-order.ts";

/** Delay before the run is tried again; doubles each time. Milliseconds. */
const RETRY_DELAY_MS = { first: 2_000, most: 60_000 } as const;

/** Alarms of objects that died together are repeated within this time. Milliseconds. */
const WITNESS_MS = 5_000;

/**
 * Delay before asking for the trial again: an eighth of the time waited so far, within these
 * bounds. Milliseconds.
 */
const ASK_DELAY_MS = { least: 1_000, most: 5_000 } as const;

/**
 * Reporting a death to the witness is retried with doubling delays, as long as a death is evidence
 * about others (objects/deaths/store.ts). Milliseconds.
 */
const WITNESS_RETRY_MS = { least: 2_000, for: 600_000 } as const;

/**
 * Age at which an order of newer code is dropped: twice `ORDER_MS`, which is the longest attempt.
 */
const NEWER_ORDER_MS = 2 * ORDER_MS;

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
    this.#alarm = new AlarmClock(host);
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
    this.#underWay ??= this.#handleAlarm().finally(() => {
      this.#alarm.handled();
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #handleAlarm(): Promise<void> {
    const order = this.#host.order();
    if (order === null) return;
    if (!isKnownFormat(order.v ?? 1)) return this.#waitForNewerCode(order);
    const isLast = this.#host.now() >= lastTryAt(order);
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
    const delayMs = Math.min(RETRY_DELAY_MS.most, RETRY_DELAY_MS.first * 2 ** this.#failures);
    this.#failures += 1;
    this.#alarm.set(Math.min(this.#host.now() + delayMs, lastTryAt(order)));
  }

  /** Returns false if work remains for the next alarm. */
  async #carryOut(order: ExecutorOrder): Promise<boolean> {
    const { lease: noted } = order;
    if (noted?.isUnwitnessed === true) return this.#reportDeath(order, noted);
    if (noted !== null) {
      const settlement = this.#unsettled ?? (await this.#lost(order, noted));
      if (settlement === null) return false;
      await this.#settle(order, noted, settlement);
      return this.#unwitnessed === null || this.#reportLater(order, this.#unwitnessed);
    }
    return order.trial === undefined
      ? this.#begin(order, {})
      : this.#awaitTrial(order, order.trial);
  }

  async #awaitTrial(order: ExecutorOrder, trial: Trial): Promise<boolean> {
    const isDue = trial.mostMs === 0;
    const waitedMs = this.#host.now() - order.at;
    if (!isDue && waitedMs >= trial.mostMs) return true;
    const asked = this.#host.askTrial(order, trial);
    // After the pause, the suspect begins without waiting for the answer.
    if (!isDue && !((await asked) ?? waitedMs >= trial.drawnMs)) {
      // A negative time is the distance that a clock set back has to catch up: waiting takes as
      // long.
      const delayMs = Math.max(
        ASK_DELAY_MS.least,
        Math.min(ASK_DELAY_MS.most, Math.round(Math.abs(waitedMs) / 8)),
      );
      this.#alarm.set(this.#host.now() + delayMs);
      return false;
    }
    return this.#begin(order, isDue ? {} : { onTrial: true }, async () => {
      await asked;
      await this.#host.endTrial(order);
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
  async #reportDeath(order: ExecutorOrder, noted: NotedLease): Promise<boolean> {
    const { missedAt = this.#host.now() } = noted;
    const report = await this.#host.reportDeath(order, deathOf(order, noted, missedAt));
    return report !== null || this.#reportLater(order, noted);
  }

  /** Schedules another report to the witness. Returns true if the report is too late to matter. */
  #reportLater(order: ExecutorOrder, noted: NotedLease): boolean {
    const now = this.#host.now();
    const sinceMs = now - (noted.missedAt ?? now);
    if (sinceMs >= WITNESS_RETRY_MS.for) return true;
    this.#host.note({ ...order, lease: noted });
    this.#alarm.set(now + Math.max(WITNESS_RETRY_MS.least, sinceMs));
    return false;
  }

  /** The settlement of an attempt that an earlier life lost; null if the cause is not known yet. */
  async #lost(order: ExecutorOrder, noted: NotedLease): Promise<Settlement | null> {
    if (noted.hasEnded === true)
      return lostSettlement(
        order,
        noted,
        "surroundings",
        "the attempt had ended, but its run could not be reached before its result was gone",
      );
    if (noted.version !== this.#host.version) {
      if (order.trial !== undefined) await this.#host.endTrial(order);
      return lostSettlement(
        order,
        noted,
        "surroundings",
        "a deploy took the attempt's worker before it had ended",
      );
    }
    const askedAt = this.#host.now();
    const { missedAt = askedAt } = noted;
    const report = await this.#host.reportDeath(order, deathOf(order, noted, missedAt));
    const { sole: known, explained } = report ?? { sole: [], explained: [] };
    this.#unwitnessed = report === null ? { ...noted, missedAt, isUnwitnessed: true } : null;
    const earlier = known.filter((one) => one !== noted.attempt);
    const isDecisive = known.length > earlier.length && known.length >= DEATHS.sole;
    // A late answer may lack deaths that were reported while the answer was on its way.
    if (isDecisive && askedAt < missedAt + WITNESS_MS) {
      this.#host.note({ ...order, lease: { ...noted, missedAt } });
      this.#alarm.set(missedAt + WITNESS_MS);
      return null;
    }
    const sole = isDecisive ? known : earlier;
    return lostSettlement(order, noted, "worker", "the attempt's worker died before it had ended", {
      sole,
      explained,
    });
  }
}

/**
 * The decisions of the schedules object: holds the schedules of the deployed plan, wakes at the
 * next due time of all of them, and starts a run for each. `domain/schedules/due-times.ts` decides
 * which due times count, `domain/schedules/cron.ts` computes the times. Storage, clock, alarm and
 * runs come from outside.
 *
 * The order for each due time: start the run, then store the due time as handled. A crash in
 * between repeats the start, which finds the same run by its key (task and due time). A late,
 * doubled or interrupted alarm therefore makes no second run. A due time whose start failed stays
 * in `waiting`, in the same row, and is retried: the due time was on time, and is not missed
 * however long the retries take.
 *
 * Deployments. Isolates of several deployments may announce by turns, for hours. The newest
 * deployment counts, and an older one only after the newer has fallen silent (`takesOver`). A
 * schedule that is no longer deployed is kept as absent for a day. If the schedule comes back, for
 * instance after a rollback, its state goes on, and due times of the absence are started. Due times
 * before the absence are started in any case, since the alarm may have been late.
 *
 * The alarm never rejects, since the platform gives an alarm up after six failures. A lost alarm is
 * set again by every call, and the cron trigger of wrangler.toml calls `sync` every five minutes.
 *
 * Must not wait for an object that does not answer (`CALL_LIMIT_MS`), nor for a run. A start that
 * has to wait for the previous run (`buffer_one`) is retried with growing delays.
 */
import type { RunId } from "../../domain/ids.ts";
import type { Problem, Result } from "../../domain/problem.ts";
import {
  LATE_MS,
  waitingPauseMs,
  type DueTimes,
  type ScheduleDefinition,
} from "../../domain/schedules/due-times.ts";
import { deployPauseMs, isNewerFormat, refuseNewer } from "../../domain/version.ts";
import { alarmTime } from "../../platform/alarm-clock.ts";
import { within } from "../../platform/calls.ts";
import { delayAfter, type ScheduleEntry } from "./schedule-entry.ts";
import type { Announcement, ScheduleStatus, SchedulesRpc } from "./schedules-rpc.ts";
import { KnownSchedules } from "./known-schedules.ts";
import type { ScheduleStore } from "./store.ts";

/** Limit of schedules handled concurrently: a top-level invocation has six connections. */
const LANES = 6;
/**
 * Time limit of a call of a run. A longer call counts as failed and is retried, so that the other
 * schedules are not held up.
 */
const CALL_LIMIT_MS = 10_000;
const DAY_MS = 86_400_000;
/**
 * Retry period of a due time that could not be started. A task that is not deployed here gets the
 * longer period.
 */
const PATIENCE_MS = DAY_MS;
const DEPLOY_PATIENCE_MS = 30 * DAY_MS;
/** Age at which the platform has ended the handling of an alarm. */
const HANDLING_MS = 960_000;
/** Age at which an overdue alarm counts as lost. */
const ALARM_LOST_MS = 10_000;

export interface SchedulesHost {
  /** Epoch milliseconds. */
  now(): number;
  /** Returns the time of the alarm; null without an alarm, and while the alarm is handled. */
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
  /** The deployment of this code, as announced. */
  readonly deployment: Pick<Announcement, "version" | "madeAt">;
  timesOf(definition: ScheduleDefinition): DueTimes;
  /** Starts, or finds, the run of this due time. Rejects only if the infrastructure fails. */
  start(definition: ScheduleDefinition, dueAt: number): Promise<Result<RunId>>;
  /** Checks that this run exists and is not final. */
  isRunning(runId: RunId): Promise<boolean>;
  /** Cancels this run in favour of the run of this due time. A repeated call changes nothing. */
  cancel(runId: RunId, dueAt: number): Promise<void>;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/**
 * Outcome of one due time: handled, to be retried, waiting for a deploy, or waiting for the
 * previous run.
 */
type Turn = "done" | "failed" | "undeployed" | "held";

export class SchedulesController implements SchedulesRpc {
  readonly #schedules: KnownSchedules;
  readonly #host: SchedulesHost;
  #alarmStrikes = 0;
  /** Start of the alarm being handled; null without one. */
  #handlingSince: number | null = null;
  /** Period of the last handled alarm in this life of the object. */
  #handled = { since: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY };

  constructor(store: ScheduleStore, host: SchedulesHost) {
    this.#schedules = new KnownSchedules(store, (definition) => host.timesOf(definition));
    this.#host = host;
  }

  async sync(announced: Announcement): Promise<void> {
    refuseNewer(announced, "an announcement of schedules");
    this.#schedules.announce(announced, this.#host.now());
    await this.#rearm(null);
  }

  async list(): Promise<readonly ScheduleStatus[]> {
    await this.#rearm(null);
    return this.#statuses(this.#schedules.all());
  }

  async pause(task: string, by: string): Promise<readonly ScheduleStatus[]> {
    return this.#statuses(this.#schedules.pause(task, by, this.#host.now()));
  }

  async resume(task: string): Promise<readonly ScheduleStatus[]> {
    const wasPaused = this.#schedules.isPaused(task);
    const entries = this.#schedules.resume(task, this.#host.now());
    if (wasPaused && !this.#schedules.isPaused(task)) await this.#rearm(null);
    return this.#statuses(entries);
  }

  /**
   * Handles the alarm. Never rejects. `firing`: the time that the alarm was set to, if the platform
   * tells.
   */
  async alarm(firing: number | null): Promise<void> {
    if (this.#isHandling) return;
    this.#handlingSince = this.#host.now();
    try {
      await this.#handleDue();
      this.#alarmStrikes = 0;
      this.#handlingSince = null;
      await this.#rearm(firing);
    } catch (error) {
      this.#alarmStrikes += 1;
      const strikes = this.#alarmStrikes;
      this.#host.log("the alarm of the schedules failed, trying again", {
        strikes,
        error: String(error),
      });
      await this.#host.setAlarm(this.#host.now() + delayAfter(strikes));
    } finally {
      this.#handlingSince = null;
    }
  }

  #statuses(entries: readonly ScheduleEntry[]): ScheduleStatus[] {
    return entries.map(({ definition, state, awaitsDeploy }) => ({
      definition,
      state,
      paused: this.#schedules.isPaused(definition.task),
      waitingFor: awaitsDeploy ? "deploy" : null,
    }));
  }

  /**
   * An alarm is being handled. The platform ends an alarm after 15 minutes at any point, without a
   * notice.
   */
  get #isHandling(): boolean {
    const since = this.#handlingSince;
    return since !== null && Math.abs(this.#host.now() - since) < HANDLING_MS;
  }

  async #handleDue(): Promise<void> {
    const now = this.#host.now();
    const { since, until } = this.#handled;
    // Due times during the work of this object count as on time: only this object could have
    // looked.
    const onTimeFrom = (now - until <= LATE_MS ? Math.min(now, since) : now) - LATE_MS;
    const due = this.#schedules.awake(now).filter((entry) => entry.wakeAt() <= now);
    const lanes = Array.from({ length: Math.min(LANES, due.length) }, async () => {
      for (let entry = due.shift(); entry !== undefined; entry = due.shift())
        await this.#handle(entry, onTimeFrom);
    });
    try {
      await Promise.all(lanes);
    } finally {
      this.#handled = { since: now, until: this.#host.now() };
    }
  }

  /** Handles all due times of one schedule, oldest first. */
  async #handle(entry: ScheduleEntry, onTimeFrom: number): Promise<void> {
    const now = this.#host.now();
    const { queue, leftOut } = entry.due(now, onTimeFrom);
    if (leftOut !== null) {
      const { count, last } = leftOut;
      this.#log("due times missed and left out", entry, {
        count,
        last: new Date(last).toISOString(),
      });
    }
    for (let dueAt = queue.shift(); dueAt !== undefined; dueAt = queue.shift()) {
      const turn = await this.#startOrNot(entry, dueAt);
      if (!this.#schedules.isActive(entry)) return;
      if (turn === "done") continue;
      if (turn === "failed") entry.failed([dueAt, ...queue], this.#host.now());
      else if (turn === "undeployed")
        entry.awaitDeploy(
          [dueAt, ...queue],
          this.#host.now() + deployPauseMs(this.#host.now() - dueAt),
        );
      else {
        entry.held(dueAt, this.#host.now() + waitingPauseMs(now - dueAt));
        // One due time waits already.
        for (const behind of queue) entry.skip(behind, "overlap");
      }
      return;
    }
  }

  async #startOrNot(entry: ScheduleEntry, dueAt: number): Promise<Turn> {
    const { overlap } = entry.definition;
    try {
      const { runId: previous, dueAt: before = dueAt } = entry.state.lastRun ?? {};
      if (previous !== undefined && overlap === "cancel_running") {
        // Otherwise the clock was set back: this due time finds its own run again, or starts an
        // earlier one.
        if (before < dueAt)
          await within(CALL_LIMIT_MS, "the previous run", this.#host.cancel(previous, dueAt));
      } else if (
        previous !== undefined &&
        overlap !== "allow" &&
        (await within(CALL_LIMIT_MS, "the previous run", this.#host.isRunning(previous)))
      ) {
        if (overlap === "skip") entry.skip(dueAt, "overlap");
        return overlap === "skip" ? "done" : "held";
      }
      // The schedule was paused or undeployed during the call.
      if (!this.#schedules.isActive(entry)) return "done";
      const started = await within(
        CALL_LIMIT_MS,
        "the start of a run",
        this.#host.start(entry.definition, dueAt),
      );
      if (!started.ok) {
        const { code, detail } = started.problem;
        const turn = this.#failed(entry, dueAt, this.#patienceWith(code), detail);
        return turn === "failed" && code !== "overloaded" ? "undeployed" : turn;
      }
      entry.started(dueAt, started.value, this.#host.now());
      return "done";
    } catch (error) {
      if (!isNewerFormat(error)) return this.#failed(entry, dueAt, PATIENCE_MS, String(error));
      const turn = this.#failed(entry, dueAt, DEPLOY_PATIENCE_MS, String(error));
      return turn === "failed" ? "undeployed" : turn;
    }
  }

  /** Decides a failed start: retry until the retry period is over. */
  #failed(entry: ScheduleEntry, dueAt: number, patienceMs: number, error: string): Turn {
    const isOver = this.#host.now() - dueAt >= patienceMs;
    const message = isOver ? "scheduled run refused" : "scheduled run not started, trying again";
    this.#log(message, entry, { due_at: new Date(dueAt).toISOString(), error });
    if (!isOver) return "failed";
    entry.skip(dueAt, "refused", error);
    return "done";
  }

  /**
   * Retry period of a refused start after its due time, in milliseconds. A refusal of this code is
   * final only if the schedules are of this deployment: the input of a task may differ in another
   * deployment.
   */
  #patienceWith(code: Problem["code"]): number {
    if (code === "unknown_task") return DEPLOY_PATIENCE_MS;
    const { version, madeAt } = this.#host.deployment;
    const { deployed } = this.#schedules;
    const isOfSchedules = version === deployed?.version && madeAt === deployed.madeAt;
    return code === "overloaded" || !isOfSchedules ? PATIENCE_MS : 0;
  }

  #log(
    message: string,
    { definition }: ScheduleEntry,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.#host.log(message, { task: definition.task, cron: definition.cron, ...fields });
  }

  /**
   * Sets the alarm to the next due time. Never at or before now, nor at the time of the alarm being
   * handled: such alarms may not fire. An earlier alarm stays, since a row costs more than an idle
   * wake-up; an overdue alarm counts as lost.
   */
  async #rearm(firing: number | null): Promise<void> {
    const set = await this.#host.getAlarm();
    // The handler sets the alarm at its end.
    if (this.#isHandling) return;
    const now = this.#host.now();
    const soonest = this.#schedules
      .awake(now)
      .reduce((at, entry) => Math.min(at, entry.wakeAt()), Number.POSITIVE_INFINITY);
    if (soonest === Number.POSITIVE_INFINITY) return;
    const alarmAt = alarmTime(soonest, now, firing);
    if (set !== null && set <= alarmAt && set > now - ALARM_LOST_MS) return;
    await this.#host.setAlarm(alarmAt);
  }
}

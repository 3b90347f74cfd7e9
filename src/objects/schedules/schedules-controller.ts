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
  newScheduleState,
  waitingPauseMs,
  type DueTimes,
  type ScheduleDefinition,
  type ScheduleState,
} from "../../domain/schedules/due-times.ts";
import { deployPauseMs, isNewerFormat, refuseNewer, takesOver } from "../../domain/version.ts";
import type { After } from "../../platform/patience.ts";
import { delayAfter, ScheduleEntry } from "./schedule-entry.ts";
import type { Announcement, ScheduleStatus, SchedulesRpc } from "./schedules-rpc.ts";
import type { ScheduleStore, StoredDeployment } from "./store.ts";

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
/** Retention of an absent schedule. */
const ABSENT_KEPT_MS = DAY_MS;
/** Precision of the stored time of the last announcement: each write is a row. */
const SEEN_MS = 60_000;
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
  readonly after: After;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/**
 * Outcome of one due time: handled, to be retried, waiting for a deploy, or waiting for the
 * previous run.
 */
type Turn = "done" | "failed" | "undeployed" | "held";

interface Absent {
  readonly entry: ScheduleEntry;
  readonly since: number;
}

export class SchedulesController implements SchedulesRpc {
  readonly #store: ScheduleStore;
  readonly #host: SchedulesHost;
  #deployed: StoredDeployment | null = null;
  /** Schedules in the order of peach.conf. Undefined before the first load. */
  #entries: ReadonlyMap<string, ScheduleEntry> | undefined;
  /** Absent schedules, kept for a day. */
  readonly #absent = new Map<string, Absent>();
  #paused = new Set<string>();
  #alarmStrikes = 0;
  /** Start of the alarm being handled; null without one. */
  #handlingSince: number | null = null;
  /** Period of the last handled alarm in this life of the object. */
  #handled = { since: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY };

  constructor(store: ScheduleStore, host: SchedulesHost) {
    this.#store = store;
    this.#host = host;
  }

  async sync(announced: Announcement): Promise<void> {
    refuseNewer(announced, "an announcement of schedules");
    const known = this.#load();
    const now = this.#host.now();
    const deployed = this.#deployed;
    const { version, madeAt } = announced;
    if (version === deployed?.version && madeAt >= deployed.madeAt) {
      if (madeAt > deployed.madeAt || Math.abs(now - deployed.seenAt) >= SEEN_MS)
        this.#noteDeployed({ version, madeAt, seenAt: now });
    } else if (takesOver(deployed, announced, now)) this.#deploy(known, announced, now);
    this.#forgetAbsent(now);
    await this.#rearm(null);
  }

  async list(): Promise<readonly ScheduleStatus[]> {
    await this.#rearm(null);
    return [...this.#load().values()].map((entry) => this.#status(entry));
  }

  async pause(task: string, by: string): Promise<readonly ScheduleStatus[]> {
    const entries = this.#entriesOf(task);
    if (entries.length > 0 && !this.#paused.has(task)) {
      const all = [...entries, ...this.#absentOf(task)];
      const changed = all.map((entry) => ({
        definition: entry.definition,
        state: entry.whenPaused(),
      }));
      this.#store.pause(task, this.#host.now(), by, changed);
      this.#paused.add(task);
      for (const { definition, state } of changed)
        this.#find(definition)?.recorded(definition, state);
    }
    return entries.map((entry) => this.#status(entry));
  }

  async resume(task: string): Promise<readonly ScheduleStatus[]> {
    const entries = this.#entriesOf(task);
    if (entries.length > 0 && this.#paused.has(task)) {
      const now = this.#host.now();
      const all = [...entries, ...this.#absentOf(task)];
      const changed = all.map((entry) => ({
        definition: entry.definition,
        state: entry.whenResumed(now),
      }));
      this.#store.resume(task, changed);
      this.#paused.delete(task);
      for (const { definition, state } of changed)
        this.#find(definition)?.recorded(definition, state);
      await this.#rearm(null);
    }
    return entries.map((entry) => this.#status(entry));
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

  #load(): ReadonlyMap<string, ScheduleEntry> {
    if (this.#entries !== undefined) return this.#entries;
    const { deployed, schedules, pausedTasks } = this.#store.load();
    const entries = new Map<string, ScheduleEntry>();
    this.#absent.clear();
    for (const { definition, state, absentSince } of schedules) {
      const entry = this.#entry(definition, state);
      if (absentSince === null) entries.set(keyOf(definition), entry);
      else this.#absent.set(keyOf(definition), { entry, since: absentSince });
      entry.deployed(absentSince);
    }
    this.#entries = entries;
    this.#paused = new Set(pausedTasks);
    this.#deployed = deployed;
    return entries;
  }

  #entry(definition: ScheduleDefinition, state: ScheduleStatus["state"]): ScheduleEntry {
    return new ScheduleEntry(definition, state, this.#host.timesOf(definition), this.#store);
  }

  #entriesOf(task: string): ScheduleEntry[] {
    return [...this.#load().values()].filter(({ definition }) => definition.task === task);
  }

  #absentOf(task: string): ScheduleEntry[] {
    return [...this.#absent.values()].flatMap(({ entry }) =>
      entry.definition.task === task ? [entry] : [],
    );
  }

  #find(definition: ScheduleDefinition): ScheduleEntry | undefined {
    return this.#load().get(keyOf(definition)) ?? this.#absent.get(keyOf(definition))?.entry;
  }

  #status(entry: ScheduleEntry): ScheduleStatus {
    const { definition, state, awaitsDeploy } = entry;
    return {
      definition,
      state,
      paused: this.#paused.has(definition.task),
      waitingFor: awaitsDeploy ? "deploy" : null,
    };
  }

  #deploy(
    known: ReadonlyMap<string, ScheduleEntry>,
    { version, madeAt, schedules }: Announcement,
    now: number,
  ): void {
    const fresh = newScheduleState(now);
    const stored = schedules.map((definition) => ({
      definition,
      state: known.get(keyOf(definition))?.state ?? this.#stateOfAbsent(definition, now) ?? fresh,
    }));
    const announced = new Set(schedules.map(keyOf));
    const gone = [...known].filter(([key]) => !announced.has(key));
    const deployed = { version, madeAt, seenAt: now };
    this.#store.deploy(
      deployed,
      stored,
      gone.map(([, { definition }]) => definition),
      now,
    );
    const entries = stored.map(({ definition, state }) => {
      const entry = this.#find(definition) ?? this.#entry(definition, state);
      entry.recorded(definition, state);
      entry.deployed(null);
      return [keyOf(definition), entry] as const;
    });
    for (const key of announced) this.#absent.delete(key);
    for (const [key, entry] of gone) {
      this.#absent.set(key, { entry, since: now });
      entry.deployed(now);
    }
    this.#entries = new Map(entries);
    this.#deployed = deployed;
  }

  /**
   * Stored state of a schedule that comes back; null for a new schedule, or after too long an
   * absence.
   */
  #stateOfAbsent(definition: ScheduleDefinition, now: number): ScheduleState | null {
    const absent = this.#absent.get(keyOf(definition));
    if (absent === undefined || isForgotten(absent, now)) return null;
    return this.#paused.has(definition.task) ? absent.entry.state : absent.entry.whenBack(now);
  }

  #noteDeployed(deployed: StoredDeployment): void {
    this.#store.noteDeployed(deployed);
    this.#deployed = deployed;
  }

  #forgetAbsent(now: number): void {
    const forgotten = [...this.#absent].filter(([, absent]) => isForgotten(absent, now));
    this.#store.forget(forgotten.map(([, { entry }]) => entry.definition));
    for (const [key] of forgotten) this.#absent.delete(key);
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
    const due = this.#awake(now).filter((entry) => entry.wakeAt() <= now);
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
      if (!this.#isActive(entry)) return;
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
        if (before < dueAt) await this.#inTime(this.#host.cancel(previous, dueAt));
      } else if (
        previous !== undefined &&
        overlap !== "allow" &&
        (await this.#inTime(this.#host.isRunning(previous)))
      ) {
        if (overlap === "skip") entry.skip(dueAt, "overlap");
        return overlap === "skip" ? "done" : "held";
      }
      // The schedule was paused or undeployed during the call.
      if (!this.#isActive(entry)) return "done";
      const started = await this.#inTime(this.#host.start(entry.definition, dueAt));
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

  /**
   * Returns the answer, or rejects after the time limit. A late effect of the call finds the same
   * run by its key.
   */
  async #inTime<T>(call: Promise<T>): Promise<T> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const callOff = this.#host.after(CALL_LIMIT_MS, () =>
      reject(new Error(`no answer within ${CALL_LIMIT_MS / 1_000} s`)),
    );
    try {
      return await Promise.race([call, over]);
    } finally {
      callOff();
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
    const isOfSchedules = version === this.#deployed?.version && madeAt === this.#deployed.madeAt;
    return code === "overloaded" || !isOfSchedules ? PATIENCE_MS : 0;
  }

  #log(
    message: string,
    { definition }: ScheduleEntry,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.#host.log(message, { task: definition.task, cron: definition.cron, ...fields });
  }

  /** The schedule is still known, and not paused. */
  #isActive(entry: ScheduleEntry): boolean {
    return !this.#paused.has(entry.definition.task) && this.#find(entry.definition) === entry;
  }

  /**
   * Schedules that are not paused, with the clock checked; absent schedules for earlier due times.
   */
  #awake(now: number): ScheduleEntry[] {
    const known = [
      ...this.#load().values(),
      ...Array.from(this.#absent.values(), ({ entry }) => entry),
    ];
    const awake = known.filter(({ definition }) => !this.#paused.has(definition.task));
    for (const entry of awake) entry.heedClock(now);
    return awake;
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
    const soonest = this.#awake(now).reduce(
      (at, entry) => Math.min(at, entry.wakeAt()),
      Number.POSITIVE_INFINITY,
    );
    if (soonest === Number.POSITIVE_INFINITY) return;
    const later = Math.max(soonest, now + 1);
    const alarmAt = later === firing ? later + 1 : later;
    if (set !== null && set <= alarmAt && set > now - ALARM_LOST_MS) return;
    await this.#host.setAlarm(alarmAt);
  }
}

function keyOf({ task, id }: ScheduleDefinition): string {
  return `${task} ${id}`;
}

function isForgotten({ since }: Absent, now: number): boolean {
  return now - since >= ABSENT_KEPT_MS;
}

/**
 * What the schedules object does: it keeps the schedules of the deployed plan, wakes at the next due time over all of them, and
 * has a run started for each. Which due times those are is decided in `domain/schedules/due-times.ts`, when they are due in `domain/schedules/cron.ts`.
 * Storage, clock, alarm and runs come from outside.
 *
 * Order, for each due time: start the run, then record that it is dealt with. A crash in between repeats the start, which finds the
 * same run by its key (task and due time). So an alarm that is late, doubled or interrupted makes no second run. What could not be
 * started stays in `waiting`, in the same row, and is tried again: it was on time, and is not missed however long that takes.
 *
 * Isolates of several deployments may announce by turns, for hours. The newest counts, and an older one only once nothing is heard of
 * the newer any more (`takesOver`). Whatever is not deployed any more is kept for a day as absent: should that have been a rollback, or
 * another mistake, it goes on with its state, and with what was due meanwhile. What was due before it went is started in any case: the alarm
 * may have been late.
 *
 * The alarm never rejects, since the platform gives one up after six failures; should it be lost all the same, every call sets it
 * again, and the cron trigger of wrangler.toml calls `sync` every five minutes.
 *
 * Must not: wait for an object that does not answer (`CALL_LIMIT_MS`), or for a run. A start that has to wait for the run before it (`buffer_one`) asks again, with growing pauses.
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
import { pauseAfter, ScheduleEntry } from "./schedule-entry.ts";
import type { Announcement, ScheduleStatus, SchedulesRpc } from "./schedules-rpc.ts";
import type { ScheduleStore, StoredDeployment } from "./store.ts";

/** Schedules that are handled side by side: a top-level invocation has six connections. */
const LANES = 6;
/** A call of a run that takes longer has failed, and is made again: it must not hold up the other schedules. */
const CALL_LIMIT_MS = 10_000;
const DAY_MS = 86_400_000;
/** How long a due time is tried again that could not be started; one whose task is not deployed where this runs waits longer. */
const PATIENCE_MS = DAY_MS;
const DEPLOY_PATIENCE_MS = 30 * DAY_MS;
/** How long a schedule is kept that is not deployed any more. */
const ABSENT_KEPT_MS = DAY_MS;
/** How exactly it is noted when the deployment was heard of last: a row each time. */
const SEEN_MS = 60_000;
/** An alarm that has been handled for so long was ended by the platform. */
const HANDLING_MS = 960_000;
/** An alarm that was due this long ago and has not come is taken for lost. */
const ALARM_LOST_MS = 10_000;

export interface SchedulesSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Null if none is set, and while one is handled. */
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
  /** What this code itself would announce. */
  readonly deployment: Pick<Announcement, "version" | "madeAt">;
  timesOf(definition: ScheduleDefinition): DueTimes;
  /** Starts the run of this due time, or finds it. Rejects only if the surroundings fail. */
  start(definition: ScheduleDefinition, dueAt: number): Promise<Result<RunId>>;
  /** Whether this run is there and not final. */
  isRunning(runId: RunId): Promise<boolean>;
  /** Has this run give way to the one of this due time; said again, it changes nothing. */
  cancel(runId: RunId, dueAt: number): Promise<void>;
  readonly after: After;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** What became of one due time: dealt with, to be tried again, to wait for a deploy, or for the run before it. */
type Turn = "done" | "failed" | "undeployed" | "held";

interface Absent {
  readonly entry: ScheduleEntry;
  readonly since: number;
}

export class SchedulesProtocol implements SchedulesRpc {
  readonly #store: ScheduleStore;
  readonly #around: SchedulesSurroundings;
  #deployed: StoredDeployment | null = null;
  /** In the order of peach.conf. Undefined until it is read. */
  #entries: ReadonlyMap<string, ScheduleEntry> | undefined;
  /** Deployed no more, and kept for a day. */
  readonly #absent = new Map<string, Absent>();
  #paused = new Set<string>();
  #alarmStrikes = 0;
  /** When the alarm that is being handled has begun; null: none is. */
  #handlingSince: number | null = null;
  /** When the alarm was handled last in this life. */
  #handled = { since: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY };

  constructor(store: ScheduleStore, around: SchedulesSurroundings) {
    this.#store = store;
    this.#around = around;
  }

  async sync(announced: Announcement): Promise<void> {
    refuseNewer(announced, "an announcement of schedules");
    const known = this.#load();
    const now = this.#around.now();
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
      this.#store.pause(task, this.#around.now(), by, changed);
      this.#paused.add(task);
      for (const { definition, state } of changed)
        this.#find(definition)?.recorded(definition, state);
    }
    return entries.map((entry) => this.#status(entry));
  }

  async resume(task: string): Promise<readonly ScheduleStatus[]> {
    const entries = this.#entriesOf(task);
    if (entries.length > 0 && this.#paused.has(task)) {
      const now = this.#around.now();
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

  /** Never rejects. `firing`: what the alarm was set to, as far as the platform tells. */
  async alarm(firing: number | null): Promise<void> {
    if (this.#isHandling) return;
    this.#handlingSince = this.#around.now();
    try {
      await this.#handleDue();
      this.#alarmStrikes = 0;
      this.#handlingSince = null;
      await this.#rearm(firing);
    } catch (error) {
      this.#alarmStrikes += 1;
      const strikes = this.#alarmStrikes;
      this.#around.log("the alarm of the schedules failed, trying again", {
        strikes,
        error: String(error),
      });
      await this.#around.setAlarm(this.#around.now() + pauseAfter(strikes));
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
    return new ScheduleEntry(definition, state, this.#around.timesOf(definition), this.#store);
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

  /** What is known of a schedule that comes back; null if it was absent for too long, or is new. */
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

  /** The platform ends an alarm after 15 minutes, wherever it is: then nothing says that it is over. */
  get #isHandling(): boolean {
    const since = this.#handlingSince;
    return since !== null && Math.abs(this.#around.now() - since) < HANDLING_MS;
  }

  async #handleDue(): Promise<void> {
    const now = this.#around.now();
    const { since, until } = this.#handled;
    // What became due while this object was at work has not been missed: nobody else could have looked.
    const onTimeFrom = (now - until <= LATE_MS ? Math.min(now, since) : now) - LATE_MS;
    const due = this.#awake(now).filter((entry) => entry.wakeAt() <= now);
    const lanes = Array.from({ length: Math.min(LANES, due.length) }, async () => {
      for (let entry = due.shift(); entry !== undefined; entry = due.shift())
        await this.#handle(entry, onTimeFrom);
    });
    try {
      await Promise.all(lanes);
    } finally {
      this.#handled = { since: now, until: this.#around.now() };
    }
  }

  /** Deals with all that is due for one schedule, oldest first. */
  async #handle(entry: ScheduleEntry, onTimeFrom: number): Promise<void> {
    const now = this.#around.now();
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
      if (turn === "failed") entry.failed([dueAt, ...queue], this.#around.now());
      else if (turn === "undeployed")
        entry.awaitDeploy(
          [dueAt, ...queue],
          this.#around.now() + deployPauseMs(this.#around.now() - dueAt),
        );
      else {
        entry.held(dueAt, this.#around.now() + waitingPauseMs(now - dueAt));
        // One waits already.
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
        // Else the clock was set back, and this due time finds its own run again, or starts one that came before.
        if (before < dueAt) await this.#inTime(this.#around.cancel(previous, dueAt));
      } else if (
        previous !== undefined &&
        overlap !== "allow" &&
        (await this.#inTime(this.#around.isRunning(previous)))
      ) {
        if (overlap === "skip") entry.skip(dueAt, "overlap");
        return overlap === "skip" ? "done" : "held";
      }
      // Paused, or no longer deployed, while it was asked.
      if (!this.#isActive(entry)) return "done";
      const started = await this.#inTime(this.#around.start(entry.definition, dueAt));
      if (!started.ok) {
        const { code, detail } = started.problem;
        const turn = this.#failed(entry, dueAt, this.#patienceWith(code), detail);
        return turn === "failed" && code !== "overloaded" ? "undeployed" : turn;
      }
      entry.started(dueAt, started.value, this.#around.now());
      return "done";
    } catch (error) {
      if (!isNewerFormat(error)) return this.#failed(entry, dueAt, PATIENCE_MS, String(error));
      const turn = this.#failed(entry, dueAt, DEPLOY_PATIENCE_MS, String(error));
      return turn === "failed" ? "undeployed" : turn;
    }
  }

  /** The answer, or a rejection if it does not come in time. What the call does later finds the same run by its key. */
  async #inTime<T>(call: Promise<T>): Promise<T> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const callOff = this.#around.after(CALL_LIMIT_MS, () =>
      reject(new Error(`no answer within ${CALL_LIMIT_MS / 1_000} s`)),
    );
    try {
      return await Promise.race([call, over]);
    } finally {
      callOff();
    }
  }

  /** It is tried again until the patience has run out. */
  #failed(entry: ScheduleEntry, dueAt: number, patienceMs: number, error: string): Turn {
    const isOver = this.#around.now() - dueAt >= patienceMs;
    const message = isOver ? "scheduled run refused" : "scheduled run not started, trying again";
    this.#log(message, entry, { due_at: new Date(dueAt).toISOString(), error });
    if (!isOver) return "failed";
    entry.skip(dueAt, "refused", error);
    return "done";
  }

  /**
   * How long after its due time a refused start is tried again, in milliseconds. What the code that runs here refuses is no more than
   * that where the schedules are of another deployment: a task's input may be another there.
   */
  #patienceWith(code: Problem["code"]): number {
    if (code === "unknown_task") return DEPLOY_PATIENCE_MS;
    const { version, madeAt } = this.#around.deployment;
    const isOfSchedules = version === this.#deployed?.version && madeAt === this.#deployed.madeAt;
    return code === "overloaded" || !isOfSchedules ? PATIENCE_MS : 0;
  }

  #log(
    message: string,
    { definition }: ScheduleEntry,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.#around.log(message, { task: definition.task, cron: definition.cron, ...fields });
  }

  /** Whether it is still known, and not paused. */
  #isActive(entry: ScheduleEntry): boolean {
    return !this.#paused.has(entry.definition.task) && this.#find(entry.definition) === entry;
  }

  /** The schedules that are not paused, with the clock as it stands; absent ones for what was due before. */
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
   * Sets the alarm to what is due next. Never at or before now, nor at the very time of the alarm that is being handled: such
   * alarms may not fire. One that is set sooner stays, a row is dearer than waking for nothing; one that is overdue is lost.
   */
  async #rearm(firing: number | null): Promise<void> {
    const set = await this.#around.getAlarm();
    // It sets the alarm at its end.
    if (this.#isHandling) return;
    const now = this.#around.now();
    const soonest = this.#awake(now).reduce(
      (at, entry) => Math.min(at, entry.wakeAt()),
      Number.POSITIVE_INFINITY,
    );
    if (soonest === Number.POSITIVE_INFINITY) return;
    const later = Math.max(soonest, now + 1);
    const alarmAt = later === firing ? later + 1 : later;
    if (set !== null && set <= alarmAt && set > now - ALARM_LOST_MS) return;
    await this.#around.setAlarm(alarmAt);
  }
}

function keyOf({ task, id }: ScheduleDefinition): string {
  return `${task} ${id}`;
}

function isForgotten({ since }: Absent, now: number): boolean {
  return now - since >= ABSENT_KEPT_MS;
}

/**
 * What the schedules object does: it keeps the schedules of the deployed plan, wakes at the next due time over all of them, and
 * has a run started for each. Which due times those are is decided in `core/schedule.ts`, when they are due in `conf/cron.ts`.
 * Storage, clock, alarm and runs come from outside.
 *
 * Order, for each due time: start the run, then record that it is dealt with. A crash in between repeats the start, which finds the
 * same run by its key (task and due time). So an alarm that is late, doubled or interrupted makes no second run. What could not be
 * started stays in `waiting`, in the same row, and is tried again: it was on time, and is not missed however long that takes.
 *
 * The alarm never rejects, since the platform gives one up after six failures; should it be lost all the same, every call sets it
 * again, and the cron trigger of wrangler.toml calls `sync` every five minutes.
 *
 * Must not: wait for a run. A start that has to wait for the run before it (`buffer_one`) asks again, with growing pauses.
 */
import type { RunId } from "../core/ids.ts";
import type { Problem, Result } from "../core/result.ts";
import {
  dealtUntil,
  dueSince,
  MAX_STARTED,
  newScheduleState,
  waitingPauseMs,
  type DueTimes,
  type ScheduleDefinition,
  type ScheduleState,
  type SkipReason,
} from "../core/schedule.ts";
import type { ScheduleStatus, SchedulesRpc } from "./schedules-rpc.ts";
import type { ScheduleStore } from "./store.ts";

/** Schedules that are handled side by side: a top-level invocation has six connections. */
const LANES = 6;
const PAUSE_MAX_MS = 60_000;
/** A deploy may reach callers minutes before it reaches this object: its task is not known here yet. */
const UNKNOWN_TASK_PATIENCE_MS = 600_000;
const PATIENCE_MS = 86_400_000;
/** An alarm that was due this long ago and has not come is taken for lost. */
const ALARM_LOST_MS = 10_000;

export interface SchedulesSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Null if none is set, and while one is handled. */
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
  timesOf(definition: ScheduleDefinition): DueTimes;
  /** Starts the run of this due time, or finds it. Rejects only if the surroundings fail. */
  start(definition: ScheduleDefinition, dueAt: number): Promise<Result<RunId>>;
  /** Whether this run is there and not final. */
  isRunning(runId: RunId): Promise<boolean>;
  cancel(runId: RunId): Promise<void>;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** A schedule in memory. `state` is what is stored. */
interface Entry {
  definition: ScheduleDefinition;
  times: DueTimes;
  state: ScheduleState;
  /** When to try again what waits. */
  againAt: number;
  /** Failures in a row. */
  strikes: number;
  /** The first due time after `after`. */
  next: { readonly after: number; readonly at: number };
}

/** What became of one due time. */
type Turn = "done" | "failed" | "held";

export class SchedulesProtocol implements SchedulesRpc {
  readonly #store: ScheduleStore;
  readonly #around: SchedulesSurroundings;
  #version: string | null = null;
  /** In the order of peach.conf. Undefined until it is read. */
  #entries: Map<string, Entry> | undefined;
  #paused = new Set<string>();
  #alarmStrikes = 0;
  #isHandling = false;

  constructor(store: ScheduleStore, around: SchedulesSurroundings) {
    this.#store = store;
    this.#around = around;
  }

  async sync(version: string, schedules: readonly ScheduleDefinition[]): Promise<void> {
    const entries = this.#load();
    if (version !== this.#version) this.#deploy(entries, version, schedules);
    await this.#rearm(null);
  }

  async list(): Promise<readonly ScheduleStatus[]> {
    const entries = this.#load();
    await this.#rearm(null);
    return [...entries.values()].map((entry) => this.#status(entry));
  }

  async pause(task: string, by: string): Promise<readonly ScheduleStatus[]> {
    const entries = this.#entriesOf(task);
    if (entries.length === 0 || this.#paused.has(task)) return entries.map((entry) => this.#status(entry));
    const changed = entries.map(({ definition, state }) => {
      const [dueAt] = state.waiting.slice(-1);
      if (dueAt === undefined) return { definition, state };
      return { definition, state: { ...skipped(state, dueAt, "paused", state.waiting.length), waiting: [] } };
    });
    this.#store.pause(task, this.#around.now(), by, changed);
    this.#paused.add(task);
    for (const [index, entry] of entries.entries()) entry.state = changed[index]?.state ?? entry.state;
    return entries.map((entry) => this.#status(entry));
  }

  async resume(task: string): Promise<readonly ScheduleStatus[]> {
    const entries = this.#entriesOf(task);
    if (this.#paused.has(task)) {
      const now = this.#around.now();
      const changed = entries.map(({ definition, state }) => ({
        definition,
        state: { ...state, dealtUntil: now, waiting: [] },
      }));
      this.#store.resume(task, changed);
      this.#paused.delete(task);
      for (const [index, entry] of entries.entries()) entry.state = changed[index]?.state ?? entry.state;
      await this.#rearm(null);
    }
    return entries.map((entry) => this.#status(entry));
  }

  /** Never rejects. `firing`: what the alarm was set to, as far as the platform tells. */
  async alarm(firing: number | null): Promise<void> {
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      await this.#handleDue([...this.#load().values()]);
      this.#alarmStrikes = 0;
      this.#isHandling = false;
      await this.#rearm(firing);
    } catch (error) {
      this.#alarmStrikes += 1;
      const strikes = this.#alarmStrikes;
      this.#around.log("the alarm of the schedules failed, trying again", { strikes, error: String(error) });
      await this.#around.setAlarm(this.#around.now() + pauseAfter(strikes));
    } finally {
      this.#isHandling = false;
    }
  }

  #load(): Map<string, Entry> {
    if (this.#entries !== undefined) return this.#entries;
    const { version, schedules, pausedTasks } = this.#store.load();
    this.#entries = new Map(
      schedules.map(({ definition, state }) => [keyOf(definition), this.#entry(definition, state)]),
    );
    this.#paused = new Set(pausedTasks);
    this.#version = version;
    return this.#entries;
  }

  #entry(definition: ScheduleDefinition, state: ScheduleState): Entry {
    const times = this.#around.timesOf(definition);
    return { definition, times, state, againAt: 0, strikes: 0, next: { after: Number.NaN, at: 0 } };
  }

  #entriesOf(task: string): Entry[] {
    return [...this.#load().values()].filter(({ definition }) => definition.task === task);
  }

  #status({ definition, state }: Entry): ScheduleStatus {
    return { definition, state, paused: this.#paused.has(definition.task) };
  }

  #deploy(entries: Map<string, Entry>, version: string, schedules: readonly ScheduleDefinition[]): void {
    const fresh = newScheduleState(this.#around.now());
    const deployed = new Map(
      schedules.map((definition) => {
        const known = entries.get(keyOf(definition));
        return [keyOf(definition), known ?? this.#entry(definition, fresh)] as const;
      }),
    );
    const gone = [...entries].flatMap(([key, { definition }]) => (deployed.has(key) ? [] : [definition]));
    const stored = schedules.map((definition) => ({
      definition,
      state: deployed.get(keyOf(definition))?.state ?? fresh,
    }));
    this.#store.deploy(version, stored, gone);
    for (const definition of schedules) {
      const entry = deployed.get(keyOf(definition));
      if (entry !== undefined) entry.definition = definition;
    }
    this.#entries = deployed;
    this.#version = version;
  }

  async #handleDue(entries: readonly Entry[]): Promise<void> {
    const now = this.#around.now();
    const due = entries.filter((entry) => this.#wakeAt(entry, now) <= now);
    const lanes = Array.from({ length: Math.min(LANES, due.length) }, async () => {
      for (let entry = due.shift(); entry !== undefined; entry = due.shift()) await this.#turn(entry);
    });
    await Promise.all(lanes);
  }

  /** Deals with all that is due for one schedule, oldest first. */
  async #turn(entry: Entry): Promise<void> {
    const now = this.#around.now();
    const after = dealtUntil(entry.state.dealtUntil, now);
    const { start, leftOut } = dueSince(entry.times, entry.definition.catchUp, after, now);
    if (leftOut !== null) {
      this.#save(entry, { ...skipped(entry.state, leftOut.last, "missed", leftOut.count), dealtUntil: leftOut.last });
      const { task, cron } = entry.definition;
      this.#around.log("due times missed and left out", {
        task,
        cron,
        count: leftOut.count,
        last: iso(leftOut.last),
      });
    }
    const queue = [...entry.state.waiting, ...start];
    for (let dueAt = queue.shift(); dueAt !== undefined; dueAt = queue.shift()) {
      const turn = await this.#startOrNot(entry, dueAt);
      if (!this.#isActive(entry)) return;
      if (turn === "done") continue;
      const rest = turn === "held" ? this.#skipBehind(entry, queue) : queue;
      this.#keepWaiting(entry, [dueAt, ...rest], turn === "held" ? waitingPauseMs(now - dueAt) : null);
      return;
    }
    entry.strikes = 0;
  }

  async #startOrNot(entry: Entry, dueAt: number): Promise<Turn> {
    const { overlap } = entry.definition;
    try {
      const previous = entry.state.lastRun?.runId;
      if (previous !== undefined && overlap === "cancel_running") await this.#around.cancel(previous);
      else if (previous !== undefined && overlap !== "allow" && (await this.#around.isRunning(previous))) {
        if (overlap === "buffer_one") return "held";
        this.#deal(entry, dueAt, skipped(entry.state, dueAt, "overlap"));
        return "done";
      }
      // Paused, or no longer deployed, while it was asked.
      if (!this.#isActive(entry)) return "done";
      const started = await this.#around.start(entry.definition, dueAt);
      if (!started.ok) return this.#refused(entry, dueAt, started.problem);
      const startedAt = this.#around.now();
      this.#deal(entry, dueAt, { ...entry.state, lastRun: { runId: started.value, dueAt, startedAt } });
      entry.strikes = 0;
      return "done";
    } catch (error) {
      return this.#failed(entry, dueAt, PATIENCE_MS, String(error));
    }
  }

  #refused(entry: Entry, dueAt: number, { code, detail }: Problem): Turn {
    if (code === "unknown_task") return this.#failed(entry, dueAt, UNKNOWN_TASK_PATIENCE_MS, detail);
    return this.#failed(entry, dueAt, code === "overloaded" ? PATIENCE_MS : 0, detail);
  }

  /** Tries again until the patience has run out. */
  #failed(entry: Entry, dueAt: number, patienceMs: number, detail: string): Turn {
    const { task, cron } = entry.definition;
    const isOver = this.#around.now() - dueAt >= patienceMs;
    this.#around.log(isOver ? "scheduled run refused" : "scheduled run not started, trying again", {
      task,
      cron,
      due_at: iso(dueAt),
      error: detail,
    });
    if (!isOver) return "failed";
    this.#deal(entry, dueAt, skipped(entry.state, dueAt, "refused", 1, detail));
    return "done";
  }

  /** One waits already: the others are skipped. */
  #skipBehind(entry: Entry, queue: readonly number[]): readonly number[] {
    for (const dueAt of queue) this.#deal(entry, dueAt, skipped(entry.state, dueAt, "overlap"));
    return [];
  }

  /** `pauseMs`: null after a failure. */
  #keepWaiting(entry: Entry, waiting: readonly number[], pauseMs: number | null): void {
    const kept = waiting.slice(-MAX_STARTED);
    const left = waiting.length - kept.length;
    const last = waiting[left - 1];
    const state = last === undefined ? entry.state : skipped(entry.state, last, "missed", left);
    const newest = Math.max(entry.state.dealtUntil, ...kept);
    if (newest !== state.dealtUntil || kept.join() !== state.waiting.join())
      this.#save(entry, { ...state, dealtUntil: newest, waiting: kept });
    if (pauseMs === null) entry.strikes += 1;
    entry.againAt = this.#around.now() + (pauseMs ?? pauseAfter(entry.strikes));
  }

  /** Records that this due time is dealt with. */
  #deal(entry: Entry, dueAt: number, state: ScheduleState): void {
    const known = dealtUntil(state.dealtUntil, this.#around.now());
    this.#save(entry, {
      ...state,
      dealtUntil: Math.max(known, dueAt),
      waiting: state.waiting.filter((at) => at !== dueAt),
    });
  }

  /** The row first: memory is never ahead of it. */
  #save(entry: Entry, state: ScheduleState): void {
    this.#store.saveState(entry.definition, state);
    entry.state = state;
  }

  /** Whether it is still deployed, and not paused. */
  #isActive(entry: Entry): boolean {
    return !this.#paused.has(entry.definition.task) && this.#load().get(keyOf(entry.definition)) === entry;
  }

  #wakeAt(entry: Entry, now: number): number {
    if (this.#paused.has(entry.definition.task)) return Number.POSITIVE_INFINITY;
    const after = dealtUntil(entry.state.dealtUntil, now);
    if (entry.next.after !== after) {
      entry.next = { after, at: entry.times.next(after) ?? Number.POSITIVE_INFINITY };
    }
    return entry.state.waiting.length > 0 ? Math.min(entry.next.at, entry.againAt) : entry.next.at;
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
    const wakes = [...this.#load().values()].map((entry) => this.#wakeAt(entry, now));
    const soonest = wakes.reduce((earlier, at) => Math.min(earlier, at), Number.POSITIVE_INFINITY);
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

function skipped(
  state: ScheduleState,
  dueAt: number,
  reason: SkipReason,
  count = 1,
  detail: string | null = null,
): ScheduleState {
  return { ...state, skipped: state.skipped + count, lastSkip: { dueAt, reason, detail } };
}

/** 1 s after the first failure, doubling to a minute. */
function pauseAfter(strikes: number): number {
  return Math.min(PAUSE_MAX_MS, 500 * 2 ** strikes);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

/**
 * The schedules that the object knows: deployed ones, absent ones for a day, paused tasks, and the
 * deployment. Rows are written before memory, so memory is never ahead.
 */
import {
  newScheduleState,
  type DueTimes,
  type ScheduleDefinition,
  type ScheduleState,
} from "../../domain/schedules/due-times.ts";
import { takesOver } from "../../domain/version.ts";
import { ScheduleEntry } from "./schedule-entry.ts";
import type { Announcement } from "./schedules-rpc.ts";
import type { ScheduleStore, StoredDeployment, StoredSchedule } from "./store.ts";

const DAY_MS = 86_400_000;
/** Retention of an absent schedule. */
const ABSENT_KEPT_MS = DAY_MS;
/** Precision of the stored time of the last announcement: each write is a row. */
const SEEN_MS = 60_000;

interface Absent {
  readonly entry: ScheduleEntry;
  readonly since: number;
}

export class KnownSchedules {
  readonly #store: ScheduleStore;
  readonly #timesOf: (definition: ScheduleDefinition) => DueTimes;
  #deployed: StoredDeployment | null = null;
  /** Schedules in the order of peach.conf. Undefined before the first load. */
  #entries: ReadonlyMap<string, ScheduleEntry> | undefined;
  /** Absent schedules, kept for a day. */
  readonly #absent = new Map<string, Absent>();
  #paused = new Set<string>();

  constructor(store: ScheduleStore, timesOf: (definition: ScheduleDefinition) => DueTimes) {
    this.#store = store;
    this.#timesOf = timesOf;
  }

  /** All deployed schedules, in the order of peach.conf. */
  all(): ScheduleEntry[] {
    return [...this.#load().values()];
  }

  /** The deployment of the schedules; null before the first. */
  get deployed(): StoredDeployment | null {
    return this.#deployed;
  }

  isPaused(task: string): boolean {
    this.#load();
    return this.#paused.has(task);
  }

  /** Takes an announcement into account. The newest deployment counts (`takesOver`). */
  announce(announced: Announcement, now: number): void {
    const known = this.#load();
    const deployed = this.#deployed;
    const { version, madeAt } = announced;
    if (version === deployed?.version && madeAt >= deployed.madeAt) {
      if (madeAt > deployed.madeAt || Math.abs(now - deployed.seenAt) >= SEEN_MS)
        this.#noteDeployed({ version, madeAt, seenAt: now });
    } else if (takesOver(deployed, announced, now)) this.#deploy(known, announced, now);
    this.#forgetAbsent(now);
  }

  /** Pauses the schedules of a task, absent ones too. Returns the deployed ones. */
  pause(task: string, by: string, now: number): readonly ScheduleEntry[] {
    const entries = this.#entriesOf(task);
    if (entries.length > 0 && !this.#paused.has(task)) {
      const changed = this.#changed(task, (entry) => entry.whenPaused());
      this.#store.pause(task, now, by, changed);
      this.#paused.add(task);
      this.#take(changed);
    }
    return entries;
  }

  /** Resumes the schedules of a task, absent ones too. Returns the deployed ones. */
  resume(task: string, now: number): readonly ScheduleEntry[] {
    const entries = this.#entriesOf(task);
    if (entries.length > 0 && this.#paused.has(task)) {
      const changed = this.#changed(task, (entry) => entry.whenResumed(now));
      this.#store.resume(task, changed);
      this.#paused.delete(task);
      this.#take(changed);
    }
    return entries;
  }

  /** The schedule is still known, and not paused. */
  isActive(entry: ScheduleEntry): boolean {
    return !this.#paused.has(entry.definition.task) && this.#find(entry.definition) === entry;
  }

  /**
   * Schedules that are not paused, with the clock checked; absent schedules for earlier due times.
   */
  awake(now: number): ScheduleEntry[] {
    const known = [
      ...this.#load().values(),
      ...Array.from(this.#absent.values(), ({ entry }) => entry),
    ];
    const awake = known.filter(({ definition }) => !this.#paused.has(definition.task));
    for (const entry of awake) entry.heedClock(now);
    return awake;
  }

  /** States of all schedules of a task after a change. */
  #changed(task: string, change: (entry: ScheduleEntry) => ScheduleState): StoredSchedule[] {
    return [...this.#entriesOf(task), ...this.#absentOf(task)].map((entry) => ({
      definition: entry.definition,
      state: change(entry),
    }));
  }

  /** Takes over the rows of a transaction. */
  #take(changed: readonly StoredSchedule[]): void {
    for (const { definition, state } of changed)
      this.#find(definition)?.recorded(definition, state);
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

  #entry(definition: ScheduleDefinition, state: ScheduleState): ScheduleEntry {
    return new ScheduleEntry(definition, state, this.#timesOf(definition), this.#store);
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
}

function keyOf({ task, id }: ScheduleDefinition): string {
  return `${task} ${id}`;
}

function isForgotten({ since }: Absent, now: number): boolean {
  return now - since >= ABSENT_KEPT_MS;
}

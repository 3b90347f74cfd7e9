/** All SQL of the schedules object. */
import type { ScheduleDefinition, ScheduleState } from "../../domain/schedules/due-times.ts";
import type { KnownDeployment } from "../../domain/version.ts";
import { jsonIn, numberIn, Tables, textIn, type Row, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

const READ_SCHEDULES = "SELECT definition, state, absent_since FROM schedules ORDER BY position";
const READ_PAUSES = "SELECT task FROM pauses";
const READ_DEPLOYED = "SELECT version, made_at, seen_at FROM deployed";
const PUT_SCHEDULE = `
  INSERT INTO schedules (task, id, position, definition, state) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (task, id) DO UPDATE SET
    position = excluded.position, definition = excluded.definition, state = excluded.state,
    absent_since = NULL
  WHERE position <> excluded.position OR definition <> excluded.definition OR state <> excluded.state
    OR absent_since IS NOT NULL`;
const NOTE_ABSENT = "UPDATE schedules SET absent_since = ? WHERE task = ? AND id = ?";
const DELETE_SCHEDULE = "DELETE FROM schedules WHERE task = ? AND id = ?";
const SAVE_STATE = "UPDATE schedules SET state = ? WHERE task = ? AND id = ?";
const PUT_DEPLOYED = `
  INSERT INTO deployed (one, version, made_at, seen_at) VALUES (1, ?, ?, ?)
  ON CONFLICT (one) DO UPDATE SET version = excluded.version, made_at = excluded.made_at,
    seen_at = excluded.seen_at`;
const PUT_PAUSE =
  "INSERT INTO pauses (task, at, by) VALUES (?, ?, ?) ON CONFLICT (task) DO NOTHING";
const DELETE_PAUSE = "DELETE FROM pauses WHERE task = ?";

/** A schedule as stored. */
export interface StoredSchedule {
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
}

/** The deployment of the schedules. */
export interface StoredDeployment extends KnownDeployment {
  readonly version: string;
}

/** All stored data. */
export interface StoredSchedules {
  /** Null before the first deployment. */
  readonly deployed: StoredDeployment | null;
  /** Schedules in the order of peach.conf. `absentSince`: null while deployed. */
  readonly schedules: readonly (StoredSchedule & { readonly absentSince: number | null })[];
  readonly pausedTasks: readonly string[];
}

export class ScheduleStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  /** Migrates the tables and reads all of them. */
  load(): StoredSchedules {
    this.#tables.make();
    const [deployed] = this.#tables.rows(READ_DEPLOYED);
    return {
      deployed: deployed === undefined ? null : deploymentIn(deployed),
      schedules: this.#tables.rows(READ_SCHEDULES).map(scheduleIn),
      pausedTasks: this.#tables.rows(READ_PAUSES).map((row) => textIn(row, "task")),
    };
  }

  /**
   * Replaces the schedules in one transaction; missing schedules are kept as absent from then on.
   */
  deploy(
    deployed: StoredDeployment,
    schedules: readonly StoredSchedule[],
    gone: readonly ScheduleDefinition[],
    now: number,
  ): void {
    this.#tables.atOnce(() => {
      for (const { task, id } of gone) this.#tables.put(NOTE_ABSENT, now, task, id);
      for (const [position, { definition, state }] of schedules.entries()) {
        const { task, id } = definition;
        const [defined, present] = [JSON.stringify(definition), JSON.stringify(state)];
        this.#tables.put(PUT_SCHEDULE, task, id, position, defined, present);
      }
      this.noteDeployed(deployed);
    });
  }

  noteDeployed({ version, madeAt, seenAt }: StoredDeployment): void {
    this.#tables.put(PUT_DEPLOYED, version, madeAt, seenAt);
  }

  /** Deletes schedules that were absent for too long. */
  forget(schedules: readonly ScheduleDefinition[]): void {
    for (const { task, id } of schedules) this.#tables.put(DELETE_SCHEDULE, task, id);
  }

  /** Saves the state of a schedule; false without such a row. */
  saveState({ task, id }: ScheduleDefinition, state: ScheduleState): boolean {
    return this.#tables.change(SAVE_STATE, JSON.stringify(state), task, id);
  }

  /** Pauses the schedules of a task and saves their states, in one transaction. */
  pause(task: string, at: number, by: string, changed: readonly StoredSchedule[]): void {
    this.#tables.atOnce(() => {
      this.#tables.put(PUT_PAUSE, task, at, by);
      for (const { definition, state } of changed) this.saveState(definition, state);
    });
  }

  /** Resumes the schedules of a task and saves their states, in one transaction. */
  resume(task: string, changed: readonly StoredSchedule[]): void {
    this.#tables.atOnce(() => {
      this.#tables.put(DELETE_PAUSE, task);
      for (const { definition, state } of changed) this.saveState(definition, state);
    });
  }
}

function deploymentIn(row: Row): StoredDeployment {
  return {
    version: textIn(row, "version"),
    madeAt: Number(row["made_at"]),
    seenAt: Number(row["seen_at"]),
  };
}

function scheduleIn(row: Row): StoredSchedules["schedules"][number] {
  return {
    definition: jsonIn(row, "definition"),
    state: jsonIn(row, "state"),
    absentSince: numberIn(row, "absent_since"),
  };
}

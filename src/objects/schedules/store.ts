/** All SQL of the schedules object. */
import type { ScheduleDefinition, ScheduleState } from "../../domain/schedules/due-times.ts";
import type { KnownDeployment } from "../../domain/version.ts";
import { Tables } from "../tables.ts";
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
  readonly #storage: DurableObjectStorage;
  readonly #tables: Tables;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#tables = new Tables(storage, TABLES);
  }

  /** Migrates the tables and reads all of them. */
  load(): StoredSchedules {
    const { sql } = this.#storage;
    this.#tables.make();
    const [deployed] = sql
      .exec<{ version: string; made_at: number; seen_at: number }>(READ_DEPLOYED)
      .toArray();
    return {
      deployed:
        deployed === undefined
          ? null
          : { version: deployed.version, madeAt: deployed.made_at, seenAt: deployed.seen_at },
      schedules: sql.exec<ScheduleRow>(READ_SCHEDULES).toArray().map(scheduleIn),
      pausedTasks: sql
        .exec<{ task: string }>(READ_PAUSES)
        .toArray()
        .map(({ task }) => task),
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
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      for (const { task, id } of gone) sql.exec(NOTE_ABSENT, now, task, id);
      for (const [position, { definition, state }] of schedules.entries()) {
        const { task, id } = definition;
        sql.exec(
          PUT_SCHEDULE,
          task,
          id,
          position,
          JSON.stringify(definition),
          JSON.stringify(state),
        );
      }
      this.noteDeployed(deployed);
    });
  }

  noteDeployed({ version, madeAt, seenAt }: StoredDeployment): void {
    this.#storage.sql.exec(PUT_DEPLOYED, version, madeAt, seenAt);
  }

  /** Deletes schedules that were absent for too long. */
  forget(schedules: readonly ScheduleDefinition[]): void {
    for (const { task, id } of schedules) this.#storage.sql.exec(DELETE_SCHEDULE, task, id);
  }

  /** Saves the state of a schedule; false without such a row. */
  saveState({ task, id }: ScheduleDefinition, state: ScheduleState): boolean {
    return this.#storage.sql.exec(SAVE_STATE, JSON.stringify(state), task, id).rowsWritten > 0;
  }

  /** Pauses the schedules of a task and saves their states, in one transaction. */
  pause(task: string, at: number, by: string, changed: readonly StoredSchedule[]): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(PUT_PAUSE, task, at, by);
      for (const { definition, state } of changed) this.saveState(definition, state);
    });
  }

  /** Resumes the schedules of a task and saves their states, in one transaction. */
  resume(task: string, changed: readonly StoredSchedule[]): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(DELETE_PAUSE, task);
      for (const { definition, state } of changed) this.saveState(definition, state);
    });
  }
}

interface ScheduleRow extends Record<string, SqlStorageValue> {
  readonly definition: string;
  readonly state: string;
  readonly absent_since: number | null;
}

/**
 * Row mapping; only this store writes both columns, as JSON of these types.
 */
function scheduleIn({
  definition,
  state,
  absent_since: absentSince,
}: ScheduleRow): StoredSchedules["schedules"][number] {
  return {
    // oxlint-disable-next-line typescript/consistent-type-assertions
    definition: JSON.parse(definition) as ScheduleDefinition,
    // oxlint-disable-next-line typescript/consistent-type-assertions
    state: JSON.parse(state) as ScheduleState,
    absentSince,
  };
}

/** All SQL of the schedules object. */
import type { ScheduleDefinition, ScheduleState } from "../core/schedule.ts";
import { CREATE_VERSIONS, MIGRATIONS } from "./schema.ts";

const READ_VERSION = "SELECT coalesce(max(version), 0) AS version FROM schema_versions";
const NOTE_VERSION = "INSERT INTO schema_versions (version) VALUES (?)";
const READ_SCHEDULES = "SELECT definition, state FROM schedules ORDER BY position";
const READ_PAUSES = "SELECT task FROM pauses";
const READ_DEPLOYED = "SELECT version FROM deployed";
const PUT_SCHEDULE = `
  INSERT INTO schedules (task, id, position, definition, state) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (task, id) DO UPDATE SET position = excluded.position, definition = excluded.definition
  WHERE position <> excluded.position OR definition <> excluded.definition`;
const DELETE_SCHEDULE = "DELETE FROM schedules WHERE task = ? AND id = ?";
const SAVE_STATE = "UPDATE schedules SET state = ? WHERE task = ? AND id = ?";
const PUT_DEPLOYED = `
  INSERT INTO deployed (one, version) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET version = excluded.version`;
const PUT_PAUSE = "INSERT INTO pauses (task, at, by) VALUES (?, ?, ?) ON CONFLICT (task) DO NOTHING";
const DELETE_PAUSE = "DELETE FROM pauses WHERE task = ?";

/** A schedule as it is stored. */
export interface StoredSchedule {
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
}

/** Everything that is stored. */
export interface StoredSchedules {
  /** Of the plan; null before the first. */
  readonly version: string | null;
  /** In the order of peach.conf. */
  readonly schedules: readonly StoredSchedule[];
  readonly pausedTasks: readonly string[];
}

export class ScheduleStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Brings the tables to this code's version and reads all of them. */
  load(): StoredSchedules {
    const { sql } = this.#storage;
    this.#migrate();
    const [deployed] = sql.exec<{ version: string }>(READ_DEPLOYED).toArray();
    return {
      version: deployed?.version ?? null,
      schedules: sql.exec<ScheduleRow>(READ_SCHEDULES).toArray().map(scheduleIn),
      pausedTasks: sql
        .exec<{ task: string }>(READ_PAUSES)
        .toArray()
        .map(({ task }) => task),
    };
  }

  /** Makes these the schedules, in one transaction. Those that stay keep their state, whatever `schedules` says of it. */
  deploy(version: string, schedules: readonly StoredSchedule[], gone: readonly ScheduleDefinition[]): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      for (const { task, id } of gone) sql.exec(DELETE_SCHEDULE, task, id);
      for (const [position, { definition, state }] of schedules.entries()) {
        const { task, id } = definition;
        sql.exec(PUT_SCHEDULE, task, id, position, JSON.stringify(definition), JSON.stringify(state));
      }
      sql.exec(PUT_DEPLOYED, version);
    });
  }

  /** False if the schedule is no longer there. */
  saveState({ task, id }: ScheduleDefinition, state: ScheduleState): boolean {
    return this.#storage.sql.exec(SAVE_STATE, JSON.stringify(state), task, id).rowsWritten > 0;
  }

  /** Pauses a task's schedules and saves what becomes of them, in one transaction. */
  pause(task: string, at: number, by: string, changed: readonly StoredSchedule[]): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(PUT_PAUSE, task, at, by);
      for (const { definition, state } of changed) this.saveState(definition, state);
    });
  }

  /** The other way round. */
  resume(task: string, changed: readonly StoredSchedule[]): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(DELETE_PAUSE, task);
      for (const { definition, state } of changed) this.saveState(definition, state);
    });
  }

  #migrate(): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec(CREATE_VERSIONS);
      const version = sql.exec<{ version: number }>(READ_VERSION).one().version;
      if (version > MIGRATIONS.length) {
        throw new Error(
          `the schedules have schema ${version}, this code knows ${MIGRATIONS.length}: deploy the newer version again`,
        );
      }
      for (const [index, migration] of MIGRATIONS.entries()) {
        if (index < version) continue;
        sql.exec(migration);
        sql.exec(NOTE_VERSION, index + 1);
      }
    });
  }
}

interface ScheduleRow extends Record<string, SqlStorageValue> {
  readonly definition: string;
  readonly state: string;
}

/** The one row mapping of this store: both columns are written here alone, as JSON of these types. */
function scheduleIn({ definition, state }: ScheduleRow): StoredSchedule {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return { definition: JSON.parse(definition) as ScheduleDefinition, state: JSON.parse(state) as ScheduleState };
}

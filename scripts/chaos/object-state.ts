/**
 * Reads the remaining state of run objects from the local runtime's files after it has ended: a
 * SQLite database for each object, `<worker>-<class>/<id>.sqlite`. The API cannot tell, since
 * calling an object uses it.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Classes whose objects must be empty when every run is gone. */
const CLASSES = ["peach-RunObject", "peach-ExecutorObject"] as const;

const NAME_TABLE = "__miniflare_do_name";

/** Length of an object's id, which is the name of its file. */
const ID_LENGTH = 64;

/** Tables that the runtime itself keeps about each object it has ever known. */
const RUNTIMES_OWN = new Set([NAME_TABLE, "_cf_METADATA"]);

/**
 * Tables of notes: a payload may be in R2, or there was a run that its parent may find again
 * (src/objects/run/schema.ts).
 */
const NOTE_TABLES: ReadonlySet<string> = new Set(["objects_expected", "tombstone"]);

/** An object with state. */
export interface HeldState {
  /**
   * The object's name (for a run object, the run's id); null if neither its file nor its alarm
   * tells.
   */
  readonly name: string | null;
  /** Class, file, and number of rows by table. */
  readonly detail: string;
  /**
   * True if the object holds only notes: that a payload may be in R2, as before a trigger is
   * recorded, or that there was a run.
   */
  readonly isNoted: boolean;
  /** Time until its alarm, in milliseconds; null without an alarm. */
  readonly wakesInMs: number | null;
}

/** Objects with any state beside the runtime's own. */
export function objectsThatHold(stateFolder: string): HeldState[] {
  return CLASSES.flatMap((name) => {
    const folder = join(stateFolder, "v3", "do", name);
    const alarms = alarmsOf(folder);
    const files = readdirSync(folder).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
    return files.flatMap((file) => {
      const { of, tables } = heldIn(join(folder, file));
      if (tables.size === 0) return [];
      const held = Array.from(tables, ([table, rows]) => `${table} (${rows} rows)`).join(", ");
      const isNoted = [...tables.keys()].every((table) => NOTE_TABLES.has(table));
      const alarm = alarms.get(file.slice(0, ID_LENGTH));
      const wakesInMs = alarm === undefined ? null : alarm.at - Date.now();
      return [
        { name: of ?? alarm?.name ?? null, detail: `${name} ${file}: ${held}`, isNoted, wakesInMs },
      ];
    });
  });
}

/** Keys of runs in a bucket; only payloads have such keys. */
export function payloadsOfRuns(stateFolder: string): string[] {
  const folder = join(stateFolder, "v3", "r2", "miniflare-R2BucketObject");
  const files = readdirSync(folder).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
  return files.flatMap((file) => {
    const database = new DatabaseSync(join(folder, file), { readOnly: true });
    try {
      const keys = database.prepare("SELECT key FROM _mf_objects WHERE key LIKE 'runs/%'").all();
      return keys.map(({ key }) => String(key));
    } finally {
      database.close();
    }
  });
}

/** Runs whose objects have an alarm, so work remains for them. */
export function runsWithAlarm(stateFolder: string): Set<string> {
  const database = new DatabaseSync(join(stateFolder, "v3", "do", CLASSES[0], "metadata.sqlite"));
  try {
    const alarms = database.prepare("SELECT actor_name AS run FROM _cf_ALARM").all();
    return new Set(alarms.map(({ run }) => String(run)));
  } finally {
    database.close();
  }
}

interface Alarm {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The object's name. */
  readonly name: string | null;
}

/**
 * Alarms by object id. The runtime writes an object's name into the object's file a while after its
 * first call, but into its alarm at once: for an object that a kill has cut off in between, only
 * the alarm has the name.
 */
function alarmsOf(folder: string): Map<string, Alarm> {
  const database = new DatabaseSync(join(folder, "metadata.sqlite"));
  try {
    // Nanoseconds exceed the range of a number.
    const alarms = database
      .prepare(
        "SELECT actor_id AS id, actor_name AS name, scheduled_time / 1000000 AS at FROM _cf_ALARM",
      )
      .all();
    return new Map(
      alarms.map(({ id, name, at }) => [
        String(id),
        { at: Number(at), name: name === null ? null : String(name) },
      ]),
    );
  } finally {
    database.close();
  }
}

/** The object's name, and the number of rows in each of its tables. */
function heldIn(path: string): { of: string | null; tables: Map<string, string> } {
  const database = new DatabaseSync(path);
  try {
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const all = names.map(({ name }) => String(name));
    const rowsOf = (table: string): string =>
      String(database.prepare(`SELECT count(*) AS n FROM "${table}"`).get()?.["n"]);
    const named = all.includes(NAME_TABLE)
      ? database.prepare(`SELECT name FROM ${NAME_TABLE}`).get()
      : undefined;
    return {
      of: named === undefined ? null : String(named["name"]),
      tables: new Map(
        all.filter((table) => !RUNTIMES_OWN.has(table)).map((table) => [table, rowsOf(table)]),
      ),
    };
  } finally {
    database.close();
  }
}

/**
 * What the objects of runs still hold, read from the local runtime's files once it has ended: one SQLite database an object,
 * `<worker>-<class>/<id>.sqlite`. No API tells that, since asking an object is a use of it.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Those that must be empty when every run is gone. */
const CLASSES = ["peach-RunObject", "peach-ExecutorObject"] as const;

/** Kept by the runtime itself about each object it has ever known. */
const RUNTIMES_OWN = new Set(["__miniflare_do_name", "_cf_METADATA"]);

/** One text for each object that holds something: its class, its file, and which tables have how many rows. */
export function objectsThatHold(stateFolder: string): string[] {
  return CLASSES.flatMap((name) => {
    const folder = join(stateFolder, "v3", "do", name);
    const files = readdirSync(folder).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
    return files.flatMap((file) => {
      const held = heldIn(join(folder, file));
      return held === "" ? [] : [`${name} ${file}: ${held}`];
    });
  });
}

/** The runs whose objects have an alarm: something is still to be done for them. */
export function runsWithAlarm(stateFolder: string): Set<string> {
  const database = new DatabaseSync(join(stateFolder, "v3", "do", CLASSES[0], "metadata.sqlite"));
  try {
    const alarms = database.prepare("SELECT actor_name AS run FROM _cf_ALARM").all();
    return new Set(alarms.map(({ run }) => String(run)));
  } finally {
    database.close();
  }
}

function heldIn(path: string): string {
  const database = new DatabaseSync(path);
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const own = tables.map(({ name }) => String(name)).filter((name) => !RUNTIMES_OWN.has(name));
    return own
      .map((name) => `${name} (${String(database.prepare(`SELECT count(*) AS n FROM "${name}"`).get()?.["n"])} rows)`)
      .join(", ");
  } finally {
    database.close();
  }
}

import { driven, type DrivenObject } from "../support/driven-object.ts";
import { env } from "../support/env.ts";
import { describe, expect, it, vi } from "vitest";
import { Tables, type TableHistory } from "../../src/objects/tables.ts";
import { deadLetterIdFromBytes } from "../../src/domain/ids.ts";
import { schedule } from "./schedules/clock.ts";
import { newRunId } from "../support/hand-driven.ts";
import { makeNewer } from "../support/newer-tables.ts";
import { summaryOf } from "../support/summaries.ts";

const FIRST = "CREATE TABLE thing (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID";
const SECOND = ["ALTER TABLE thing ADD COLUMN size INTEGER", "CREATE TABLE other (name TEXT PRIMARY KEY) STRICT"];
const ONE: TableHistory = { what: "the object of a test", table: "thing", migrations: [[FIRST]] };
const TWO: TableHistory = { ...ONE, migrations: [[FIRST], SECOND] };

let objects = 0;
/** Storage of an object that has nothing else: that of a run which nobody has triggered. */
async function inStorage<T>(work: (storage: DurableObjectStorage) => T): Promise<T> {
  return driven(env.RUNS.getByName(`tables-${(objects += 1)}`)).inside(({ storage }) => work(storage));
}

function namesIn({ sql }: DurableObjectStorage): unknown[] {
  const query =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name";
  return sql
    .exec(query)
    .toArray()
    .map(({ name }) => name);
}

describe("the tables of an object", () => {
  it("the tables of an object are not made by whoever only asks", async () => {
    const { areThere, names } = await inStorage((storage) => ({
      areThere: new Tables(storage, TWO).areThere(),
      names: namesIn(storage),
    }));
    expect(areThere).toBe(false);
    expect(names).toEqual([]);
  });

  it("the tables of an object of the first version cost no row that says so", async () => {
    const names = await inStorage((storage) => {
      new Tables(storage, ONE).make();
      return namesIn(storage);
    });
    expect(names).toEqual(["thing"]);
  });

  it("the tables of an object are brought from the first version to the next, with what they hold, and once", async () => {
    const { rows, versions } = await inStorage((storage) => {
      new Tables(storage, ONE).make();
      storage.sql.exec("INSERT INTO thing (name) VALUES ('kept')");
      expect(new Tables(storage, TWO).areThere()).toBe(true);
      new Tables(storage, TWO).make();
      return {
        rows: storage.sql.exec("SELECT name, size FROM thing").toArray(),
        versions: storage.sql.exec("SELECT version FROM schema_versions").toArray(),
      };
    });
    expect(rows).toEqual([{ name: "kept", size: null }]);
    expect(versions).toEqual([{ version: 2 }]);
  });

  it("the tables of an object of newer code are refused, read or written, and stay as they are", async () => {
    const { refusals, names } = await inStorage((storage) => {
      new Tables(storage, TWO).make();
      const tables = new Tables(storage, ONE);
      return { refusals: [() => tables.areThere(), () => tables.make()].map(refusalOf), names: namesIn(storage) };
    });
    const says = "the object of a test has schema 2, this code knows up to 1: deploy the newer version again";
    expect(refusals).toEqual([says, says]);
    expect(names).toEqual(["other", "schema_versions", "thing"]);
  });

  it("the tables of an object are made by a write, and not by a read or by a change of no row", async () => {
    const { before, after } = await inStorage((storage) => {
      const tables = new Tables(storage, ONE);
      const found = tables.rows("SELECT name FROM thing");
      const changed = tables.change("DELETE FROM thing");
      const read = { found: [...found, ...tables.each("SELECT name FROM thing")], changed, names: namesIn(storage) };
      const made = tables.put("INSERT INTO thing (name) VALUES ('new') RETURNING name");
      return { before: read, after: [made, tables.change("DELETE FROM thing"), tables.change("DELETE FROM thing")] };
    });
    expect(before).toEqual({ found: [], changed: false, names: [] });
    expect(after).toEqual([[{ name: "new" }], true, false]);
  });

  it("the tables of an object are made again after everything was deleted", async () => {
    const names = await driven(env.RUNS.getByName("tables deleted")).inside(async ({ storage }) => {
      const tables = new Tables(storage, TWO);
      tables.make();
      await tables.deleteAll();
      tables.make();
      return namesIn(storage);
    });
    expect(names).toEqual(["other", "schema_versions", "thing"]);
  });
});

function refusalOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "not refused";
}

const NAME = "newer";
const RUN = newRunId();
const VERSION = { object: "o".repeat(64), version: "v", uploadedAt: 1 };
const LETTER = {
  id: deadLetterIdFromBytes(crypto.getRandomValues(new Uint8Array(16))),
  queue: "q",
  reason: "refused",
  detail: "d",
  body: "{}",
  receivedAt: Date.now(),
  attempts: 1,
  expiresAt: Date.now() + 60_000,
} as const;
const SLOT = { holder: { runId: RUN, ordinal: 0, attempt: 1 }, rule: { limit: 1, perMs: null, planAt: 0 } };
const WINDOW = { key: "k", keepMs: 60_000, started: null, notTakenBy: null, fresh: RUN };

/** An object of each kind that has tables, but for runs: a call that makes them, and one that reads them. */
const [pauses, list, limit, window, directory, catalog, letters, versions, schedules] = [
  env.PAUSES.getByName(NAME),
  env.LIMIT_LISTS.getByName(NAME),
  env.LIMITS.getByName(NAME),
  env.DEBOUNCES.getByName(NAME),
  env.TASK_DIRECTORY.getByName(NAME),
  env.CATALOG.getByName(NAME),
  env.DEAD_LETTERS.getByName(NAME),
  env.OBJECT_VERSIONS.getByName(NAME),
  env.SCHEDULES.getByName(NAME),
];
const OBJECTS: readonly [string, DrivenObject, () => Promise<unknown>, () => Promise<unknown>][] = [
  ["the pauses object", driven(pauses), () => pauses.pause("echo", "test"), () => pauses.paused()],
  ["the list of a task's limits", driven(list), () => list.note("concurrency", "k", true), () => list.list(1)],
  [
    "the object of a limit",
    driven(limit),
    () =>
      limit.ask(
        { kind: "concurrency", task: "echo", key: null },
        { ...SLOT, strategy: "queue", since: 0, priority: 0 },
      ),
    () => limit.use(),
  ],
  ["the object of a debounce window", driven(window), () => window.window(WINDOW), () => window.namedFor("k")],
  ["the task directory", driven(directory), () => directory.register("echo"), () => directory.tasks()],
  ["the catalog", driven(catalog), () => catalog.record(summaryOf(RUN, "succeeded"), true), () => catalog.count({})],
  ["the object of dead letters", driven(letters), () => letters.record(LETTER), () => letters.count()],
  [
    "the object of versions",
    driven(versions),
    () => versions.listed([VERSION], 60_000),
    () => versions.find([VERSION]),
  ],
  [
    "the schedules object",
    driven(schedules),
    () => schedules.sync({ v: 1, version: "1", madeAt: 1, schedules: [schedule()] }),
    () => schedules.list(),
  ],
];

describe.each(OBJECTS)("%s", (what, object, make, read) => {
  it("refuses tables of newer code, and goes on once that is gone again", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await make();
    const known = await read();
    await object.inside(({ storage }) => makeNewer(storage));
    await object.evict();
    const refused = await read().catch((error: unknown) => (error instanceof Error ? error.message : ""));
    expect(refused).toContain(`${what} has schema 2, this code knows up to 1: deploy the newer version again`);
    if (await object.inside((_, code) => "alarm" in code)) {
      await object.inside(({ storage }) => storage.setAlarm(Date.now() + 3_600_000));
      await object.wake();
      // It has not failed, and comes again.
      expect(await object.alarmAt()).toBeGreaterThan(Date.now());
    }
    await object.inside(({ storage }) => storage.sql.exec("DROP TABLE schema_versions"));
    await object.evict();
    expect(await read()).toEqual(known);
  });
});

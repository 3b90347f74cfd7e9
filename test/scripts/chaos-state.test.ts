/** What chaos reads of the objects of runs in the files that the local runtime leaves. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { objectsThatHold } from "../../scripts/chaos/object-state.ts";

const HOUR_MS = 3_600_000;

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-chaos-state-"));
  for (const name of ["peach-RunObject", "peach-ExecutorObject"]) {
    write(name, "metadata", "CREATE TABLE _cf_ALARM (actor_id TEXT, scheduled_time INTEGER, actor_name TEXT)");
  }
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("an object that holds the note of a trigger", () => {
  const id = "a1".repeat(32);
  const NOTE = "CREATE TABLE objects_expected (nonce TEXT); INSERT INTO objects_expected VALUES ('n')";

  it("an object that holds the note of a trigger is named as the runtime has noted in its file", () => {
    write("peach-RunObject", id, `${NOTE}; CREATE TABLE __miniflare_do_name (name TEXT)`);
    write("peach-RunObject", id, "INSERT INTO __miniflare_do_name VALUES ('run_1')");
    expect(objectsThatHold(folder)).toMatchObject([{ name: "run_1", isNoted: true, wakesInMs: null }]);
  });

  it("an object that holds the note of a trigger is named by its alarm where a kill came before the runtime had noted the name", () => {
    write("peach-RunObject", id, NOTE);
    const at = Date.now() + HOUR_MS;
    write("peach-RunObject", "metadata", `INSERT INTO _cf_ALARM VALUES ('${id}', ${at}000000, 'run_1')`);
    const [held] = objectsThatHold(folder);
    expect(held).toMatchObject({ name: "run_1", isNoted: true });
    expect(held?.wakesInMs).toBeGreaterThan(HOUR_MS / 2);
  });

  it("an object that holds the note of a trigger has no name where nothing tells it", () => {
    write("peach-RunObject", id, NOTE);
    expect(objectsThatHold(folder)).toMatchObject([{ name: null, isNoted: true, wakesInMs: null }]);
  });
});

/** Runs this in the database of an object of this class. */
function write(className: string, file: string, statements: string): void {
  const place = join(folder, "v3", "do", className);
  mkdirSync(place, { recursive: true });
  const database = new DatabaseSync(join(place, `${file}.sqlite`));
  database.exec(statements);
  database.close();
}

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deleteTestFolder, makeTestFolder, testFoldersIn } from "../../scripts/test-folder.ts";

let parent = "";
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "peach-parent-"));
});
afterEach(() => rmSync(parent, { recursive: true }));

describe("the folder of a test run", () => {
  it("the folder of a test run is among all temporary files where the machine keeps none in memory", () => {
    expect(testFoldersIn(join(parent, "absent"))).toBe(tmpdir());
  });

  it("the folder of a test run is each run's own, and goes with all that is in it", () => {
    const [first, second] = [makeTestFolder(parent), makeTestFolder(parent)];
    mkdirSync(join(first, "state"));
    expect(readdirSync(parent).toSorted()).toEqual([basename(first), basename(second)].toSorted());
    deleteTestFolder(first);
    deleteTestFolder(second);
    expect(readdirSync(parent)).toEqual([]);
  });

  it("the folder of a test run is deleted by the next run if its own was killed, and only then", () => {
    const { pid: dead } = spawnSync(process.execPath, ["-e", ""]);
    const others = [`peach-test-run-${process.pid}-used`, "peach-something-else"];
    for (const name of [`peach-test-run-${dead}-left`, ...others]) mkdirSync(join(parent, name));
    const folder = makeTestFolder(parent);
    expect(readdirSync(parent).toSorted()).toEqual([basename(folder), ...others].toSorted());
  });
});

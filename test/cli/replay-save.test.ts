import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { commandLine } from "../scripts/command-line.ts";

let folder = "";
const folders: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-save-"));
  folders.push(folder);
});
afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true });
});

/** Saves a run of a deployment that nobody reaches. */
function save(file: string, ...options: readonly string[]) {
  const deployment = ["--url", "http://127.0.0.1:9", "--token", "t".repeat(24)];
  return commandLine(["replay", "run_00000000000000000000000000", "--save", file, ...options, ...deployment]);
}

describe("peach replay --save", () => {
  it("peach replay --save replaces no file, and asks no deployment first", async () => {
    const file = join(folder, "notes.json");
    writeFileSync(file, "mine");
    const refused = await save(file);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("would be replaced") });
    expect(refused.err).toContain("--force");
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  it("peach replay --save replaces no folder of payloads, which may be the user's", async () => {
    mkdirSync(join(folder, "run.payloads"));
    const refused = await save(join(folder, "run.json"));
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("run.payloads would be replaced") });
    expect(existsSync(join(folder, "run.payloads"))).toBe(true);
  });

  it("peach replay --save asks the deployment for a run if the file is new, or with --force", async () => {
    const file = join(folder, "run.json");
    expect((await save(file)).err).toContain("cannot be reached");
    writeFileSync(file, "mine");
    expect((await save(file, "--force")).err).toContain("cannot be reached");
  });

  it("peach replay takes --force only with --save", async () => {
    expect(await commandLine(["replay", "last", "--force"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("--force is for --save"),
    });
  });
});

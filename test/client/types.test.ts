import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileProject } from "../../src/compiler/compile.ts";

const ROOT = join(import.meta.dirname, "../..");
const FIXTURES = join(import.meta.dirname, "fixtures");
const LAB = join(ROOT, "test/e2e/fixtures/lab");

// Inside the repository, so that packages and types are found.
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(FIXTURES, "types-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What `tsc` complains of in these files. */
function complaints(files: readonly string[], compilerOptions: object, base = "tsconfig.base.json"): Promise<string> {
  const config = { extends: relative(folder, join(ROOT, base)), compilerOptions, include: [], files };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const args = [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", folder, "--pretty", "false", "--checkers", "1"];
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: folder }, (_error, stdout, stderr) => done(stdout + stderr));
  });
}

const BROWSER = { types: [], lib: ["esnext", "dom", "dom.asynciterable"] };
const WORKER_TYPES = ["worker-configuration.d.ts", "src/env.d.ts"].map((file) => join(ROOT, file));

describe("the types of the client", { timeout: 240_000 }, () => {
  it("the types of the client let right programs compile and wrong ones not, where only browsers' types are known", async () => {
    expect(await complaints([join(FIXTURES, "browser.ts")], BROWSER)).toBe("");
  });

  it("the types of the client come from the compiled plan", async () => {
    const outDir = join(folder, "generated");
    const wranglerPath = join(ROOT, "wrangler.toml");
    const paths = {
      projectRoot: ROOT,
      confPath: join(LAB, "peach.conf"),
      pipelinesDir: join(LAB, "pipelines"),
      wranglerPath,
    };
    expect(compileProject({ ...paths, outDir }).ok).toBe(true);
    const files = [join(FIXTURES, "planned.ts"), join(outDir, "tasks.d.ts"), ...WORKER_TYPES];
    const lines = (await complaints(files, {}, "tsconfig.src.json")).split("\n");
    // The example of the repository is in the program as well, and names tasks of its own.
    expect(lines.filter((line) => !line.includes("/src/pipelines/")).join("\n")).toBe("");
  });

  it("the types of the client are those of what the server answers", async () => {
    const files = [join(FIXTURES, "drift.ts"), ...WORKER_TYPES];
    expect(await complaints(files, {}, "tsconfig.src.json")).toBe("");
  });

  it("the types of the client are really compiled: a program in which nothing is expected to fail is refused, line by line", async () => {
    const text = readFileSync(join(FIXTURES, "browser.ts"), "utf8");
    const bare = text.replaceAll("@ts-expect-error", "").replace("../../../src", "../../../../src");
    writeFileSync(join(folder, "bare.ts"), bare);
    const complained = (await complaints(["bare.ts"], BROWSER)).match(/error TS\d+/g) ?? [];
    expect(complained).toHaveLength(text.split("@ts-expect-error").length - 1);
  });
});

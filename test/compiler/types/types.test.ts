/**
 * The types of names and payloads. Programs in `named` are compiled beside the generated `tasks.d.ts`
 * of `project`, those in `unnamed` without it. A line that must not compile ends with its error.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkAll } from "../../../src/compiler/check.ts";
import { compileProject } from "../../../src/compiler/compile.ts";
import { readMethods } from "../../../src/compiler/edges/method-sets.ts";
import { emitClientTypes } from "../../../src/compiler/emit-client-types.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PROJECT = join(import.meta.dirname, "project");
const OPTIONS = {
  target: "esnext",
  module: "esnext",
  moduleResolution: "bundler",
  customConditions: ["peach-source"],
  lib: ["esnext"],
  types: ["@cloudflare/workers-types", "node"],
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  noEmit: true,
  skipLibCheck: true,
};

const PATHS = {
  projectRoot: ROOT,
  confPath: join(PROJECT, "peach.conf"),
  pipelinesDir: join(PROJECT, "pipelines"),
  wranglerPath: join(ROOT, "wrangler.toml"),
};

let folder = "";
beforeAll(() => {
  // Inside the repository, so that packages are found.
  folder = mkdtempSync(join(import.meta.dirname, "compiled-"));
  const result = compileProject({ ...PATHS, outDir: join(folder, "generated") });
  expect(result.diagnostics).toEqual([]);
});
afterAll(() => rmSync(folder, { recursive: true }));

function programsIn(name: string): string[] {
  const directory = join(import.meta.dirname, name);
  return readdirSync(directory).map((file) => join(directory, file));
}

/** The errors that the programs announce, as `file:line code`. */
function announced(files: readonly string[]): string[] {
  return files.flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, index) => {
        const [, code] = /\/\/ error: (TS\d+)$/.exec(line) ?? [];
        return code === undefined ? [] : [`${relative(import.meta.dirname, file)}:${index + 1} ${code}`];
      }),
  );
}

/** The errors of a program with these files, as `file:line code`. */
async function compiled(files: readonly string[], compilerOptions: object): Promise<string[]> {
  // As a project declares it; its own bindings do not matter here.
  const env = join(folder, "env.d.ts");
  writeFileSync(env, "interface Env {}");
  const config = { compilerOptions: { ...OPTIONS, ...compilerOptions }, files: [...files, env] };
  const tsconfig = join(folder, "tsconfig.json");
  writeFileSync(tsconfig, JSON.stringify(config));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const stdout = await new Promise<string>((done) => {
    const args = [tsc, "-p", tsconfig, "--pretty", "false", "--checkers", "1"];
    execFile(process.execPath, args, { cwd: import.meta.dirname }, (_error, out, err) => done(out + err));
  });
  // Details of an error are indented. A package is no source, so the errors of Peach's own are not asked for.
  const lines = stdout.split("\n").filter((line) => !/^(\s|\.\.\/\.\.\/\.\.\/src\/|$)/.test(line));
  return lines.map((line) => {
    const [, file, at, code] = /^(.+?)\((\d+),\d+\): error (TS\d+)/.exec(line) ?? [];
    return file === undefined ? line : `${file}:${at} ${code}`;
  });
}

describe("the types of names and payloads", { timeout: 120_000 }, () => {
  const elsewhere = programsIn("elsewhere");
  const named = programsIn("named");
  const unnamed = programsIn("unnamed");

  it("every program that must not compile announces its errors, and no other does", () => {
    for (const file of [...elsewhere, ...named, ...unnamed])
      expect(announced([file]).length > 0, file).toBe(file.endsWith(".bad.ts"));
  });

  it("names and payloads of peach.conf are checked in a strict program", async () => {
    const files = [...named, join(folder, "generated/tasks.d.ts")];
    const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
    expect(await compiled(files, strict)).toEqual(announced(named));
  });

  it("names and payloads of peach.conf are checked in a program that is not strict", async () => {
    const files = named.filter((file) => !file.endsWith(".strict.good.ts"));
    files.push(join(folder, "generated/tasks.d.ts"));
    expect(await compiled(files, { strict: false })).toEqual(announced(named));
  });

  it("any name and payload compile without generated declarations", async () => {
    expect(await compiled(unnamed, { strict: true })).toEqual(announced(unnamed));
    expect(await compiled(unnamed, { strict: false })).toEqual(announced(unnamed));
  });

  it("names and payloads are checked in a program elsewhere, by a file of their own", async () => {
    const { project, plan } = await checkAll(PATHS);
    if (plan === null) throw new Error("the project has problems");
    const { tasks } = await readMethods(project, PATHS, [], "all");
    const text = emitClientTypes(plan, tasks);
    await expect(text).toMatchFileSnapshot("peach-types.txt");
    writeFileSync(join(folder, "peach-types.d.ts"), text);
    const files = [...elsewhere, join(folder, "peach-types.d.ts")];
    const browser = { types: [], lib: ["esnext", "dom", "dom.asynciterable"], strict: true };
    expect(await compiled(files, browser)).toEqual(announced(elsewhere));
  });
});

/** The types of 500 tasks: their cost for the compiler, and what an editor shows. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileProject } from "../../../src/compiler/compile.ts";
import { REPO_ROOT } from "../project.ts";
import { LanguageServer } from "./language-server.ts";

const TASKS = 500;
/** Tasks of a file. The first is upstream of the others. */
const A_FILE = 20;
const USE = `import { readFromParentTask, triggerTaskWithEvent, type PeachTasks } from "peach/task-helpers";
export type Payload = PeachTasks["t77"];
export async function use(payload: Payload): Promise<void> {
  await triggerTaskWithEvent("t78", payload);
  const read = await readFromParentTask("t80");
  read.id.trim();
}
`;

/** As it is while names are being written. */
const TYPING = `import { passToChildTask, readFromParentTask, triggerTaskWithEvent } from "peach/task-helpers";
export async function typing(): Promise<void> {
  await triggerTaskWithEvent("");
  passToChildTask(1, { to: "" });
  await readFromParentTask("");
}
`;

function fileOf(first: number): string {
  const names = Array.from({ length: A_FILE }, (_, index) => first + index);
  const functions = names.map(
    (name) => `export async function t${name}(payload: { id: string; n: number }) {
  const run = await triggerTaskWithEvent("t${(name * 7 + 1) % TASKS}", { id: payload.id, n: ${name} });
  return { ...payload, run: run.runId };
}
`,
  );
  return `import { triggerTaskWithEvent } from "peach/task-helpers";\n${functions.join("")}`;
}

function confOf(first: number): string {
  const names = Array.from({ length: A_FILE }, (_, index) => `t${first + index}`);
  const entries = names.map(
    (name, index) =>
      `  ${name}:\n    method: ${name}\n    description: Task number ${name}\n${index === 0 ? `    downstream: [${names.slice(1).join(", ")}]\n` : ""}`,
  );
  return entries.join("");
}

let folder = "";
let use = "";
beforeAll(() => {
  folder = mkdtempSync(join(import.meta.dirname, "many-"));
  use = join(folder, "use.ts");
  const pipelinesDir = join(folder, "pipelines");
  mkdirSync(pipelinesDir);
  const firsts = Array.from({ length: TASKS / A_FILE }, (_, index) => index * A_FILE);
  for (const first of firsts) writeFileSync(join(pipelinesDir, `f${first}.ts`), fileOf(first));
  writeFileSync(join(folder, "peach.conf"), `tasks:\n${firsts.map(confOf).join("")}`);
  writeFileSync(use, USE);
  writeFileSync(join(folder, "env.d.ts"), "interface Env {}");
  const wranglerPath = join(REPO_ROOT, "wrangler.toml");
  const paths = { projectRoot: REPO_ROOT, confPath: join(folder, "peach.conf"), pipelinesDir, wranglerPath };
  expect(compileProject({ ...paths, outDir: join(folder, "generated") }).diagnostics).toEqual([]);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes the tsconfig.json of a program with the pipelines and these files. */
function writeTsconfig(files: readonly string[]): void {
  const compilerOptions = {
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    customConditions: ["peach-source"],
    lib: ["esnext"],
    types: ["@cloudflare/workers-types", "node"],
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
  };
  const config = { compilerOptions, include: ["pipelines"], files: ["env.d.ts", ...files] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
}

/** How many types the compiler instantiates for the pipelines and these files. */
function instantiations(files: readonly string[]): Promise<number> {
  writeTsconfig(files);
  const tsc = join(REPO_ROOT, "node_modules/typescript/bin/tsc");
  const args = [tsc, "-p", folder, "--extendedDiagnostics", "--checkers", "1", "--pretty", "false"];
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 }, (_error, stdout) => {
      // The errors of Peach's own source stand with a path above this folder.
      const own = stdout.split("\n").filter((line) => /^[^.\s].*error TS/.test(line));
      done(own.length > 0 ? Number.NaN : Number(/^Instantiations:\s+(\d+)/m.exec(stdout)?.[1]));
    });
  });
}

describe("the types of 500 tasks", { timeout: 120_000 }, () => {
  it("the types of 500 tasks cost the compiler as much for each task as those of a few", async () => {
    const loose = await instantiations([]);
    const strict = await instantiations(["generated/tasks.d.ts", "use.ts"]);
    expect(loose).toBeGreaterThan(0);
    // A type that looks at every task in each call would take 500 of each kind.
    expect((strict - loose) / TASKS).toBeLessThan(900);
  });

  it("the types of 500 tasks let an editor show a description, complete names and show a payload", async () => {
    const typing = join(folder, "typing.ts");
    writeFileSync(typing, TYPING);
    writeTsconfig(["generated/tasks.d.ts", "use.ts", "typing.ts"]);
    const server = await LanguageServer.of(folder);
    try {
      server.open(use);
      server.open(typing);
      expect(await server.hover(use, 'PeachTasks["t|77"]')).toContain("Task number t77");
      expect(await server.hover(use, 'await trigger|TaskWithEvent("t78"')).toContain('task: "t78"');
      const began = performance.now();
      expect(await server.completions(typing, 'TaskWithEvent("|"')).toHaveLength(TASKS);
      expect(await server.completions(typing, '{ to: "|"')).toHaveLength(TASKS - TASKS / A_FILE);
      expect(await server.completions(typing, 'FromParentTask("|"')).toHaveLength(TASKS / A_FILE);
      // The payload of all names at once took ten seconds.
      expect(performance.now() - began).toBeLessThan(5_000);
    } finally {
      server.end();
    }
  });
});

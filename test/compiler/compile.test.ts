import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { compileProject } from "../../src/compiler/compile.ts";
import { REPO_ROOT, withProject } from "./project.ts";

const CONF =
  "tasks:\n  t: {method: a, downstream: u}\n  u: {method: b}\nendpoints:\n  e: {method: handle, fallback: c}\n";
const LONG_AGO = new Date(0);

describe("compiling", () => {
  it("compiling writes the plan, the registry, the task types, the module that src/index.ts imports, and the schema for editors", async () => {
    await withProject({ conf: CONF }, (paths, folder) => {
      const outDir = join(folder, "out/generated");
      expect(compileProject({ ...paths, outDir }).ok).toBe(true);
      expect(readdirSync(outDir).toSorted()).toEqual([
        "peach.schema.json",
        "plan.ts",
        "project.ts",
        "registry.ts",
        "tasks.d.ts",
      ]);
      const registry = readFileSync(join(outDir, "registry.ts"), "utf8");
      expect(registry).toMatchInlineSnapshot(`
        "// Made by \`npm run compile\` from peach.conf and the pipelines. Do not edit.
        import type { MethodRegistry } from "peach/worker";
        import { a as task0 } from "../../pipelines/tasks.ts";
        import { b as task1 } from "../../pipelines/tasks.ts";
        import { handle as endpoint0 } from "../../pipelines/tasks.ts";
        import { c as endpoint1 } from "../../pipelines/tasks.ts";
        import * as module0 from "../../pipelines/tasks.ts";

        export const registry: MethodRegistry = {
          tasks: {
            "a": task0,
            "b": task1,
          },
          endpoints: {
            "handle": endpoint0,
            "c": endpoint1,
          },
          others: {
            modules: {
              "tasks": async () => module0,
            },
            moduleOf: {
              "a": "tasks",
              "b": "tasks",
              "c": "tasks",
              "d": "tasks",
              "e": "tasks",
              "handle": "tasks",
            },
          },
        };
        "
      `);
    });
  });

  it("compiling touches only the files whose content changes", async () => {
    await withProject({ conf: CONF }, (paths, folder) => {
      const outDir = join(folder, "out");
      compileProject({ ...paths, outDir });
      const files = readdirSync(outDir).map((name) => join(outDir, name));
      for (const file of files) utimesSync(file, LONG_AGO, LONG_AGO);
      writeFileSync(paths.confPath, CONF.replace("method: b", "method: b, timeout: 3s"));
      compileProject({ ...paths, outDir });
      const touched = files.filter((file) => statSync(file).mtimeMs > 0).map((file) => relative(outDir, file));
      expect(touched).toEqual(["plan.ts"]);
    });
  });

  it("compiling writes nothing if there is a problem", async () => {
    await withProject({ conf: CONF.replace("b}", "missing}") }, (paths, folder) => {
      const result = compileProject({ ...paths, outDir: join(folder, "out") });
      expect([result.ok, result.diagnostics.length]).toEqual([false, 1]);
      expect(existsSync(join(folder, "out"))).toBe(false);
    });
  });

  it("compiling reports a conf and a pipelines folder that are not there", async () => {
    await withProject({ conf: CONF }, (paths, folder) => {
      const outDir = join(folder, "out");
      const noConf = compileProject({ ...paths, confPath: join(folder, "none.conf"), outDir });
      expect(noConf.diagnostics.map(({ message }) => message)).toEqual(["this file cannot be read"]);
      const noPipelines = compileProject({ ...paths, pipelinesDir: join(folder, "none"), outDir });
      expect(noPipelines.diagnostics.map(({ message }) => message.replace(folder, ""))).toEqual([
        "the pipelines folder /none cannot be read",
      ]);
    });
  });
});

describe("the generated files", { timeout: 30_000 }, () => {
  it("the generated files type-check, and type triggerTaskWithEvent by task name", () => {
    mkdirSync(join(REPO_ROOT, ".peach"), { recursive: true });
    const folder = mkdtempSync(join(REPO_ROOT, ".peach/test-"));
    try {
      const files = {
        "peach.conf":
          "tasks:\n  typed: {method: typed}\n  plain: {method: plain, downstream: typed}\nendpoints:\n  e: {method: handle}\n",
        "pipelines/tasks.ts": `import { task, triggerTaskWithEvent } from "peach/task-helpers";
import { z } from "zod";
export const typed = task({ input: z.object({ n: z.number() }), run: async ({ n }) => n + 1 });
export async function plain(payload: { key: string }) { return payload.key; }
export async function handle(request: Request) {
  await triggerTaskWithEvent("typed", { n: 1 });
  await triggerTaskWithEvent("plain", new Date());
  await triggerTaskWithEvent("nobody", request.url);
  await triggerTaskWithEvent("typed", { n: "wrong" });
}
`,
        "tsconfig.json": JSON.stringify({
          extends: "../../tsconfig.src.json",
          include: ["**/*.ts", "../../worker-configuration.d.ts", "../../src/env.d.ts"],
        }),
      };
      mkdirSync(join(folder, "pipelines"));
      for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
      const { ok } = compileProject({
        projectRoot: REPO_ROOT,
        confPath: join(folder, "peach.conf"),
        pipelinesDir: join(folder, "pipelines"),
        wranglerPath: join(REPO_ROOT, "wrangler.toml"),
        outDir: join(folder, "generated"),
      });
      expect(ok).toBe(true);
      // The example of the repository is in the program as well, and names tasks of its own.
      expect(tsc(folder).filter((line) => !line.startsWith("../../src/pipelines/"))).toEqual([
        "pipelines/tasks.ts(7,39): error TS2741: Property 'key' is missing in type 'Date' but required in type '{ key: string; }'.",
        'pipelines/tasks.ts(8,30): error TS2345: Argument of type \'"nobody"\' is not assignable to parameter of type \'"plain" | "typed"\'.',
        "pipelines/tasks.ts(9,41): error TS2322: Type 'string' is not assignable to type 'number'.",
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** What tsc complains about. */
function tsc(folder: string): string[] {
  const args = [join(REPO_ROOT, "node_modules/typescript/bin/tsc"), "-p", ".", "--pretty", "false", "--checkers", "1"];
  try {
    return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" }).split("\n").filter(Boolean);
  } catch (error) {
    if (!(error instanceof Error && "stdout" in error)) throw error;
    return String(error.stdout).split("\n").filter(Boolean);
  }
}

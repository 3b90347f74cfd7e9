import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { bundleModule } from "../../src/local/bundle.ts";
import { compileProject } from "../../src/compiler/compile.ts";
import { graphFrom } from "../../src/domain/plan/run-graph.ts";
import type { MethodRegistry, RunnableMethod } from "../../src/execution/author/method.ts";
import { findMethod } from "../../src/execution/author/method.ts";
import { withProject } from "../compiler/project.ts";

/** What `use` makes of the compiled, bundled and evaluated registry of these pipelines, of which peach.conf names `a`. */
function withRegistry<T>(
  pipelines: Readonly<Record<string, string>>,
  use: (find: (key: string, exporter?: string) => Promise<RunnableMethod | null>) => Promise<T>,
  conf = "tasks:\n  a: {method: a}\n",
): Promise<T> {
  return withProject({ conf, pipelines }, async (paths, folder) => {
    const outDir = join(folder, "out");
    expect(compileProject({ ...paths, outDir }).diagnostics).toEqual([]);
    const bundlePath = join(folder, "bundle.mjs");
    const sourceMapPath = `${bundlePath}.map`;
    const { text, sourceMap } = await bundleModule(join(outDir, "registry.ts"), { bundlePath, sourceMapPath });
    writeFileSync(bundlePath, text);
    writeFileSync(sourceMapPath, sourceMap);
    const { registry }: { registry: MethodRegistry } = await import(pathToFileURL(bundlePath).href);
    return use((key, exporter) => findMethod(registry, key, exporter));
  });
}

async function returnedBy(method: RunnableMethod | null): Promise<unknown> {
  return method === null ? null : Reflect.apply(method.run, null, []);
}

it("every exported function is found by its name and by its module, named in peach.conf or not", async () => {
  const pipelines = {
    "tasks.ts": "export function a() { return 'a'; }\nexport const unnamed = () => 'unnamed';",
    "nested/more.ts":
      "export async function apart() { return 'apart'; }\nexport const typed = { kind: 'peach.task', input: null, output: null, run: () => 'typed' };",
  };
  await withRegistry(pipelines, async (find) => {
    const keys = ["a", "tasks#a", "unnamed", "tasks#unnamed", "apart", "nested/more#apart", "typed"];
    const returned = await Promise.all(keys.map(async (key) => returnedBy(await find(key))));
    expect(returned).toEqual(["a", "a", "unnamed", "unnamed", "apart", "apart", "typed"]);
    expect([await find("gone"), await find("tasks#gone"), await find("gone#a")]).toEqual([null, null, null]);
  });
});

it("tests beside the pipelines are no part of the deployment", async () => {
  const pipelines = {
    "tasks.ts": "export function a() {}",
    "tasks.test.ts": "import 'vitest';\nexport function tested() {}",
    "tasks.spec.ts": "import 'vitest';\nexport function specified() {}",
  };
  await withRegistry(pipelines, async (find) => {
    expect([await find("tested"), await find("specified")]).toEqual([null, null]);
  });
});

it("what is exported beside functions is no method", async () => {
  const pipelines = {
    "tasks.ts":
      "export function a() {}\nexport const limit = 3, schema = { kind: 'object' }, nothing = null;\nexport type T = 1;",
  };
  await withRegistry(pipelines, async (find) => {
    expect(await Promise.all(["limit", "schema", "nothing", "T", "tasks#limit"].map((key) => find(key)))).toEqual(
      Array.from({ length: 5 }, () => null),
    );
  });
});

it("a name that one file exported when a run was accepted is found there, also where others export it by now", async () => {
  const before = { "tasks.ts": "export function a() { return 'mine'; }" };
  const graph = await withProject({ conf: "tasks:\n  a: {method: a}\n", pipelines: before }, (paths, folder) => {
    const compiled = compileProject({ ...paths, outDir: join(folder, "out") });
    return compiled.ok ? graphFrom(compiled.plan, "a") : null;
  });
  const { method = "", module } = graph?.tasks[0] ?? {};
  expect([method, module]).toEqual(["a", "tasks"]);
  const pipelines = { ...before, "more.ts": "export function a() { return 'another'; }" };
  await withRegistry(
    pipelines,
    async (find) => {
      expect(await returnedBy(await find(method, module))).toBe("mine");
      expect([await find(method), await find(method, "gone")]).toEqual([null, null]);
    },
    "tasks:\n  a: {method: a, module: more}\n",
  );
});

it("a name that two files export is found by its module alone", async () => {
  const pipelines = {
    "tasks.ts": "export function a() {}\nexport function twice() { return 1; }",
    "more.ts": "export function twice() { return 2; }",
    "again.ts": "export { a } from './tasks.ts';",
  };
  await withRegistry(pipelines, async (find) => {
    expect(await find("twice")).toBeNull();
    expect([await returnedBy(await find("tasks#twice")), await returnedBy(await find("more#twice"))]).toEqual([1, 2]);
    // A file that only re-exports makes no second one.
    expect(await find("a")).not.toBeNull();
  });
});

it("a file that the named methods do not need is evaluated when it is asked for, and may throw then", async () => {
  const pipelines = {
    "tasks.ts": "import { helps } from './helper.ts';\nexport function a() { return helps(); }",
    "helper.ts": "export function helps() { return 'helped'; }",
    "broken.ts": "export function late() {}\nthrow new Error('no configuration');",
  };
  await withRegistry(pipelines, async (find) => {
    expect(await returnedBy(await find("a"))).toBe("helped");
    expect(await returnedBy(await find("helps"))).toBe("helped");
    await expect(find("late")).rejects.toThrow("no configuration");
    await expect(find("broken#late")).rejects.toThrow("no configuration");
  });
});

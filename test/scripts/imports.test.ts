import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

/** What each file holds, and the rules it breaks. All are linted together, with this project's configuration. */
const CASES: readonly { says: string; file: string; code: string; rules: readonly string[]; message?: string }[] = [
  // What may not be imported.
  imports(
    "keeps domain apart from the rest",
    "src/domain/a.ts",
    "../compiler/x.ts",
    "domain imports only its own files",
  ),
  imports(
    "keeps domain apart however the path is spelt",
    "src/domain/b.ts",
    "../../src/domain/../compiler/x.ts",
    "domain imports only its own files",
  ),
  imports(
    "keeps packages out of domain",
    "src/domain/c.ts",
    "zod",
    "domain imports no packages but one for cron expressions",
  ),
  imports("keeps node: modules out of domain", "src/domain/d.ts", "node:crypto", "domain imports no packages"),
  imports("keeps Cloudflare out of domain", "src/domain/e.ts", "cloudflare:workers", "domain imports no packages"),
  imports(
    "keeps the compiled plan out of domain",
    "src/domain/f.ts",
    "#generated/plan",
    "this imports src/generated/plan.ts",
  ),
  imports(
    "keeps the compiler apart from the worker",
    "src/compiler/a.ts",
    "../objects/run/run-rpc.ts",
    "compiler imports only",
  ),
  imports(
    "keeps Cloudflare out of the compiler",
    "src/compiler/b.ts",
    "cloudflare:workers",
    "the compiler runs in Node",
  ),
  imports("keeps a store to domain", "src/objects/run/journal.ts", "./run-rpc.ts", "a store imports only domain"),
  imports("keeps packages out of a store", "src/objects/debounce/store.ts", "zod", "a store imports only domain"),
  imports(
    "keeps pipelines to the helpers",
    "src/pipelines/a.ts",
    "../execution/x.ts",
    "pipelines import only peach/task-helpers, peach/stores",
  ),
  imports("keeps pipelines from other exports", "src/pipelines/b.ts", "peach/client", "pipelines import only"),
  imports(
    "lets http reach objects only by rpc",
    "src/http/api/a.ts",
    "../../objects/run/run-object.ts",
    "http, triggers, execution and stores reach",
  ),
  imports(
    "lets triggers reach objects only by rpc",
    "src/triggers/a.ts",
    "../objects/limits/store.ts",
    "http, triggers, execution and stores reach",
  ),
  imports(
    "lets execution reach objects only by rpc",
    "src/execution/a.ts",
    "../objects/catalog/x.ts",
    "http, triggers, execution and stores reach",
  ),
  imports(
    "keeps the client apart",
    "src/client/a.ts",
    "../objects/run/run-rpc.ts",
    "client imports only its own files",
  ),
  imports("keeps packages out of the client", "src/client/b.ts", "zod", "the client imports no packages"),
  imports("keeps everybody from index.ts", "src/http/b.ts", "../index.ts", "only tests import what is deployed"),
  imports(
    "keeps scripts from index.ts",
    "scripts/a.ts",
    "../src/worker/worker.ts",
    "only tests import what is deployed",
  ),
  imports(
    "keeps the worker inside src",
    "src/triggers/b.ts",
    "../../test/x.ts",
    "the worker imports nothing outside src",
  ),
  {
    says: "keeps the whole of zod out of the bundle",
    file: "src/contract/whole.ts",
    code: `import { z } from "zod";\nimport * as parts from "zod";\nexport { z, parts };`,
    rules: ["peach(imports)"],
    message: "brings every part of zod",
  },
  {
    says: "sees types, exports and dynamic imports as well",
    file: "src/domain/g.ts",
    code: `import type { X } from "../compiler/x.ts";
      export { x } from "../compiler/x.ts"; export * from "../objects/run/run-rpc.ts";
      export type Y = import("../compiler/x.ts").X; export type Z = X;
      export const later = (): Promise<unknown> => import("../compiler/x.ts");`,
    rules: [...Array.from({ length: 5 }, () => "peach(imports)"), "typescript(consistent-type-imports)"],
  },
  allowed(
    "lets a store import domain, how tables are made, and its schema",
    "src/objects/catalog/store.ts",
    "../../domain/x.ts",
    "../tables.ts",
    "./schema.ts",
  ),
  imports(
    "keeps calls out of a store",
    "src/objects/debounce/store.ts",
    "../../platform/calls.ts",
    "a store imports only domain",
  ),
  imports(
    "keeps a store to its own schema",
    "src/objects/schedules/store.ts",
    "../catalog/schema.ts",
    "a store imports only domain",
  ),
  allowed(
    "lets the compiler import domain, packages and node: modules",
    "src/compiler/c.ts",
    "../domain/x.ts",
    "zod",
    "node:path",
  ),
  allowed(
    "lets pipelines import the helpers, packages and each other",
    "src/pipelines/c.ts",
    "./d.ts",
    "zod",
    "peach/task-helpers",
  ),
  allowed(
    "lets http, triggers and execution use rpc and client",
    "src/execution/b.ts",
    "../objects/run/run-rpc.ts",
    "../objects/run/run-client.ts",
  ),
  allowed(
    "lets the dashboard import its own files, domain and packages",
    "src/dashboard/a.ts",
    "./b.ts",
    "../domain/x.ts",
    "preact",
  ),
  imports("keeps the worker out of the dashboard", "src/dashboard/worker.ts", "../http/x.ts", "dashboard imports only"),
  imports("keeps the dashboard out of the worker", "src/http/page.ts", "../dashboard/x.ts", "http imports only"),
  allowed(
    "lets tests import anything",
    "test/objects/a.test.ts",
    "../../src/worker/worker.ts",
    "../../src/domain/x.ts",
  ),

  // What domain may not touch.
  breaks(
    "keeps the clock out of domain",
    "src/domain/h.ts",
    "export const t = Date.now();",
    "eslint(no-restricted-globals)",
  ),
  breaks(
    "keeps chance out of domain",
    "src/domain/i.ts",
    "export const r = Math.random();",
    "eslint(no-restricted-properties)",
  ),
  breaks(
    "keeps crypto out of domain",
    "src/domain/j.ts",
    "export const u = crypto.randomUUID();",
    "eslint(no-restricted-globals)",
  ),
  breaks("closes the way round", "src/domain/k.ts", "export const g = globalThis;", "eslint(no-restricted-globals)"),
  breaks(
    "keeps Node's globals out of the worker",
    "src/http/c.ts",
    "export const e = process.env;",
    "eslint(no-restricted-globals)",
  ),
  allowed("lets the shell have the clock", "src/execution/c.ts"),

  // How the code is written.
  breaks(
    "refuses a floating promise",
    "src/objects/a.ts",
    "async function f() {}\nf();",
    "typescript(no-floating-promises)",
  ),
  breaks(
    "refuses a promise where a value is meant",
    "src/objects/b.ts",
    "async function f() { return true; }\nexport const x = f() ? 1 : 2;",
    "typescript(no-misused-promises)",
  ),
  breaks(
    "refuses to await what is none",
    "src/objects/c.ts",
    "export const f = async (x: number): Promise<number> => await x;",
    "typescript(await-thenable)",
  ),
  breaks(
    "wants switches exhaustive",
    "src/objects/d.ts",
    `export function f(x: "a" | "b"): number { switch (x) { case "a": return 1; } return 2; }`,
    "typescript(switch-exhaustiveness-check)",
  ),
  breaks("refuses any", "src/objects/e.ts", "export const x: any = 1;", "typescript(no-explicit-any)"),
  breaks(
    "refuses !",
    "src/objects/f.ts",
    "export const f = (x: { a?: number }): number => x.a!;",
    "typescript(no-non-null-assertion)",
  ),
  breaks(
    "refuses as",
    "src/objects/g.ts",
    "export const f = (x: unknown) => x as string;",
    "typescript(consistent-type-assertions)",
  ),
  breaks("lets as const stand", "src/objects/h.ts", `export const LIST = ["a", "b"] as const;`),
  breaks(
    "lets one explained as stand",
    "src/objects/i.ts",
    `// oxlint-disable-next-line typescript/consistent-type-assertions -- rows are what the store wrote\nexport const f = (x: unknown) => x as string;`,
  ),
  breaks(
    "wants types imported as types",
    "src/objects/j.ts",
    `import { X } from "../domain/x.ts";\nexport const f = (x: X): X => x;`,
    "typescript(consistent-type-imports)",
  ),
  breaks("refuses ==", "src/objects/k.ts", "export const f = (x: number) => x == 1;", "eslint(eqeqeq)"),
  breaks("refuses a default export", "src/objects/l.ts", "export default 1;", "import(no-default-export)"),
  breaks(
    "refuses a file of 501 lines",
    "src/objects/m.ts",
    `${"\n".repeat(500)}export const x = 1;\n`,
    "eslint(max-lines)",
  ),
  breaks("lets a file of 500 lines stand", "src/objects/n.ts", `${"\n".repeat(499)}export const x = 1;\n`),
  breaks(
    "refuses a cycle",
    "src/objects/o.ts",
    `import { p } from "./p.ts";\nexport const o = (): unknown => p;`,
    "import(no-cycle)",
  ),
  breaks(
    "refuses a cycle at its other end",
    "src/objects/p.ts",
    `import { o } from "./o.ts";\nexport const p = (): unknown => o;`,
    "import(no-cycle)",
  ),

  // How tests are written.
  breaks(
    "refuses a test that is alone, skipped or to do",
    "test/domain/a.test.ts",
    `import { expect, it } from "vitest";
      it.only("a", () => expect(1).toBe(1)); it.skip("b", () => expect(1).toBe(1)); it.todo("c");`,
    "vitest(no-disabled-tests)",
    "vitest(no-focused-tests)",
    "vitest(warn-todo)",
  ),
  breaks(
    "refuses a sleep in a test",
    "test/domain/b.test.ts",
    `export const sleep = () => new Promise((done) => { setTimeout(done, 5); });`,
    "eslint(no-restricted-globals)",
  ),
  breaks(
    "refuses a wait without a limit of its own",
    "test/domain/d.test.ts",
    `import { expect, vi } from "vitest";
      export const f = async () => {
        await vi.waitFor(() => f);
        await vi.waitUntil(() => f, { interval: 5 });
        await expect.poll(() => f).toBe(1);
      };`,
    "peach(waits)",
    "peach(waits)",
    "peach(waits)",
  ),
  breaks(
    "lets a wait with a limit stand",
    "test/domain/e.test.ts",
    `import { expect, vi } from "vitest";
      const LIMIT = { timeout: 5_000 };
      export const f = async () => {
        await vi.waitFor(() => f, 5_000);
        await vi.waitFor(() => f, LIMIT);
        await vi.waitFor(() => f, { ...LIMIT, interval: 5 });
        await expect.poll(() => f, { timeout: 5_000 }).toBe(1);
      };`,
  ),
  breaks(
    "refuses properties with a seed that nobody can give again",
    "test/domain/f.test.ts",
    `import fc from "fast-check";\nexport { fc };`,
    "eslint(no-restricted-imports)",
  ),
  breaks(
    "refuses should in a title",
    "test/domain/c.test.ts",
    `import { expect, it } from "vitest";\nit("should work", () => expect(1).toBe(1));`,
    "vitest(valid-title)",
  ),
];

function imports(says: string, file: string, specifier: string, message: string): (typeof CASES)[number] {
  return { says, file, code: `import * as x from "${specifier}";\nexport { x };`, rules: ["peach(imports)"], message };
}

function allowed(says: string, file: string, ...specifiers: readonly string[]): (typeof CASES)[number] {
  const lines = specifiers.map((specifier, at) => `import * as x${at} from "${specifier}";\nexport { x${at} };`);
  return { says, file, code: `${lines.join("\n")}\nexport const now = (): number => Date.now();`, rules: [] };
}

function breaks(says: string, file: string, code: string, ...rules: readonly string[]): (typeof CASES)[number] {
  return { says, file, code, rules };
}

const REPORT = z.object({
  diagnostics: z.array(z.object({ code: z.string(), filename: z.string(), message: z.string() })),
});

let root: string;
let diagnostics: z.infer<typeof REPORT>["diagnostics"];

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "peach-lint-"));
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  for (const file of [".oxlintrc.json", "scripts/lint", "tsconfig.base.json", "worker-configuration.d.ts"])
    cpSync(file, join(root, file), { recursive: true });
  write("tsconfig.json", JSON.stringify({ extends: "./tsconfig.base.json", include: ["src", "test", "scripts"] }));
  write("package.json", JSON.stringify({ type: "module" }));
  write(".gitignore", "node_modules\n");
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
  for (const file of [
    "conf/x",
    "core/x",
    "task/x",
    "catalog/x",
    "run/run-rpc",
    "run/run-client",
    "catalog/schema",
    "index",
  ])
    write(`src/${file}.ts`, "export const x = 1;\nexport interface X { readonly y: number }\n");
  for (const { file, code } of CASES) write(file, code);
  const lint = spawnSync(resolve("node_modules/.bin/oxlint"), ["--format=json"], { cwd: root, encoding: "utf8" });
  diagnostics = REPORT.parse(JSON.parse(lint.stdout)).diagnostics;
}, 30_000);

afterAll(() => rmSync(root, { recursive: true }));

describe("lint", () => {
  it.each(CASES)("$says", ({ file, rules, message }) => {
    const found = diagnostics.filter(({ filename }) => filename === file);
    expect(found.map(({ code }) => code).toSorted()).toEqual(rules);
    if (message !== undefined) expect(found[0]?.message).toContain(message);
  });
});

import { describe, expect, it } from "vitest";
import { planOf, problemsOf } from "./project.ts";

function confFor(task: string): string {
  return `tasks:\n  t: {${task}}\n`;
}

async function methodIn(
  pipelines: Readonly<Record<string, string>>,
  task = "method: wanted",
): Promise<string | undefined> {
  return (await planOf(confFor(task), { pipelines })).tasks["t"]?.method;
}

describe("a method is found", () => {
  it.each([
    ["a function", "export function wanted() {}"],
    ["an async function", "export async function wanted() {}"],
    ["a constant", "export const wanted = task({ run: async () => 1 });"],
    ["one of several constants", "export const other = 1, wanted = () => 2;"],
    ["a renamed export", "function inner() {}\nexport { inner as wanted };"],
    ["a destructured export", "export const { wanted } = make();"],
    [
      "TypeScript of any kind",
      "export abstract class X<in T> {}\nexport enum E { A }\nexport function wanted<T>(x: T): x is T & {} { return x! as never; }",
    ],
  ])("a method is found as %s", async (_what, text) => {
    expect(await methodIn({ "tasks.ts": text })).toBe("wanted");
  });

  it("a method is found through a file that only passes it on, without taking that for a second one", async () => {
    const pipelines = {
      "index.ts": `export * from "./deep/tasks.ts";\nexport { inner as renamed } from "./deep/tasks";`,
      "deep/tasks.ts": "export function wanted() {}\nexport function inner() {}",
      "again.ts": `import { wanted } from "./deep/tasks.js";\nexport { wanted };`,
    };
    expect(await methodIn(pipelines)).toBe("wanted");
    expect(await methodIn(pipelines, "method: renamed")).toBe("renamed");
  });

  it("a method is found although files pass on each other's exports in a circle", async () => {
    const pipelines = {
      "a.ts": `export * from "./b.ts";`,
      "b.ts": `export * from "./a.ts";\nexport { lost } from "./a.ts";\nexport function wanted() {}`,
    };
    expect(await methodIn(pipelines)).toBe("wanted");
  });

  it("a method is found in the module that the task names", async () => {
    const pipelines = { "a.ts": "export function wanted() {}", "deep/b.ts": "export function wanted() {}" };
    expect(await methodIn(pipelines, "method: wanted, module: deep/b")).toBe("deep/b#wanted");
  });

  it("a method is found although tests and declarations beside it export the same name", async () => {
    const text = "export function wanted() {}";
    expect(
      await methodIn({ "a.ts": text, "a.test.ts": text, "a.d.ts": "export declare function wanted(): void;" }),
    ).toBe("wanted");
  });
});

describe("a method is refused", () => {
  it("a method that a file may pass on from a package is asked for by its name, since packages are not read", async () => {
    const pipelines = { "barrel.ts": 'export * from "@desk/tasks";', "own.ts": "export function unrelated() {}" };
    expect(await problemsOf(confFor("method: wanted"), { pipelines })).toContain(
      'hint: barrel.ts has `export * from "@desk/tasks"`, and packages are not read: write export { wanted } from "@desk/tasks"',
    );
  });

  it("a method is refused if only types or a default export have its name", async () => {
    const pipelines = {
      "a.ts": "export type wanted = 1;\nexport default function wanted() {}",
      "b.ts": `interface wanted {}\nexport type { wanted };\nexport function want() {}`,
    };
    expect(await problemsOf(confFor("method: wanted"), { pipelines })).toMatchInlineSnapshot(`
      "peach.conf:2:15: tasks.t.method: no file under pipelines exports \`wanted\` [PEACH301]
        2 |   t: {method: wanted}
          |               ^^^^^^
        hint: exported: want"
    `);
  });

  it("a method is refused if there is no file at all", async () => {
    expect(await problemsOf(confFor("method: wanted"), { pipelines: {} })).toMatchInlineSnapshot(`
      "peach.conf:2:15: tasks.t.method: no file under pipelines exports \`wanted\` [PEACH301]
        2 |   t: {method: wanted}
          |               ^^^^^^
        hint: export a function of this name from a .ts file under pipelines"
    `);
  });

  it("a method is refused if two files export it", async () => {
    const pipelines = { "a.ts": "export function wanted() {}", "deep/b.ts": "export function wanted() {}" };
    expect(await problemsOf(confFor("method: wanted"), { pipelines })).toMatchInlineSnapshot(`
      "peach.conf:2:15: tasks.t.method: 2 files export \`wanted\`: a.ts, deep/b.ts [PEACH302]
        2 |   t: {method: wanted}
          |               ^^^^^^
        hint: choose one with \`module\`, e.g. module: a"
    `);
  });

  it("a method is refused if its module does not exist", async () => {
    const pipelines = { "transcription.ts": "export function wanted() {}" };
    expect(await problemsOf(confFor("method: wanted, module: transcription.ts"), { pipelines })).toMatchInlineSnapshot(`
      "peach.conf:2:31: tasks.t.module: there is no module \`transcription.ts\` under pipelines [PEACH303]
        2 |   t: {method: wanted, module: transcription.ts}
          |                               ^^^^^^^^^^^^^^^^
        hint: did you mean \`transcription\`? modules: transcription"
    `);
  });

  it("a method is refused if another module exports it", async () => {
    const pipelines = { "a.ts": "export function wanted() {}", "b.ts": "export function other() {}" };
    expect(await problemsOf(confFor("method: wanted, module: b"), { pipelines })).toMatchInlineSnapshot(`
      "peach.conf:2:15: tasks.t.method: b.ts does not export \`wanted\` [PEACH301]
        2 |   t: {method: wanted, module: b}
          |               ^^^^^^
        hint: it is exported by module: a"
    `);
  });

  it("a method is refused if a fallback names none", async () => {
    const conf = "endpoints:\n  e: {method: handle, fallback: handel}\n";
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:33: endpoints.e.fallback: no file under pipelines exports \`handel\` [PEACH301]
        2 |   e: {method: handle, fallback: handel}
          |                                 ^^^^^^
        hint: did you mean \`handle\` of tasks.ts?"
    `);
  });
});

describe("a pipeline file that does not parse", () => {
  it("a pipeline file that does not parse is shown at the place, before the problems of peach.conf", async () => {
    const pipelines = { "a.ts": "export function wanted() {\n  return (1;\n}\n" };
    expect(await problemsOf(confFor("method: wanted, timeout: 1"), { pipelines })).toMatchInlineSnapshot(`
      "pipelines/a.ts:2:12: this file does not parse: Expected \`,\` or \`)\` but found \`;\` [PEACH304]
        2 |   return (1;
          |            ^

      peach.conf:2:32: tasks.t.timeout: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 1 [PEACH104]
        2 |   t: {method: wanted, timeout: 1}
          |                                ^
        hint: did you mean 1s?"
    `);
  });

  it("a method that stands in a file that does not parse is not reported as missing", async () => {
    const pipelines = {
      "a.ts": "const x = (1;\nexport function wanted() {}\n",
      "b.ts": "export function other() {}\n",
    };
    const problems = await problemsOf(confFor("method: wanted"), { pipelines });
    expect(problems).toContain("pipelines/a.ts:1:13: this file does not parse");
    expect(problems).not.toContain("PEACH301");
  });

  it("a method that a module may pass on from a file that does not parse is not reported as missing", async () => {
    const pipelines = {
      "a.ts": `export * from "./deep/b.ts";\n`,
      "deep/b.ts": "const x = (1;\nexport function wanted() {}\n",
      "c.ts": `const y = (1;\nexport * from "elsewhere";\n`,
    };
    const conf = "tasks:\n  t: {method: wanted, module: a}\n  u: {method: passed, module: c}\n";
    const problems = await problemsOf(conf, { pipelines });
    expect(problems.match(/PEACH304/g)).toHaveLength(2);
    expect(problems).not.toContain("PEACH301");
  });

  it("a method that no file can have is reported after the file that does not parse", async () => {
    const pipelines = {
      "a.ts": "const x = (1;\nexport function other() {}\n",
      "b.ts": "export function handle() {}\n",
    };
    const conf = "tasks:\n  t: {method: wanted}\n  o: {method: other, module: b}\n";
    expect(await problemsOf(conf, { pipelines })).toMatchInlineSnapshot(`
      "pipelines/a.ts:1:13: this file does not parse: Expected \`,\` or \`)\` but found \`;\` [PEACH304]
        1 | const x = (1;
          |             ^

      peach.conf:2:15: tasks.t.method: no file under pipelines exports \`wanted\` [PEACH301]
        2 |   t: {method: wanted}
          |               ^^^^^^
        hint: exported: handle

      peach.conf:3:15: tasks.o.method: b.ts does not export \`other\` [PEACH301]
        3 |   o: {method: other, module: b}
          |               ^^^^^
        hint: exported: handle"
    `);
  });

  it("a file that ends too early is shown with its last line and the bracket that is open", async () => {
    const pipelines = { "a.ts": "export function wanted() {\n  return 1;\n\n\n" };
    expect(await problemsOf(confFor("method: wanted"), { pipelines })).toMatchInlineSnapshot(`
      "pipelines/a.ts:2:12: this file does not parse: Expected \`}\` but found the end of the file [PEACH304]
        2 |   return 1;
          |            ^
        pipelines/a.ts:1:26: Opened here
        1 | export function wanted() {
          |                          ^"
    `);
  });
});

/** Lints that read the files of the pipelines. */
import { describe, expect, it } from "vitest";
import { warned } from "./warned.ts";

const CONF = "tasks:\n  t: {method: t}\n";

/** The warnings for a task `t` of this file, and more files. */
function warnedIn(file: string, more: Readonly<Record<string, string>> = {}): Promise<string[]> {
  return warned({ conf: CONF, pipelines: { "t.ts": file, ...more } });
}

/** A task whose only statement this is, on the third line. */
const doing = (statement: string): string =>
  `import { currentTask, emitEvent, step, triggerTaskWithEvent as trigger } from "peach/task-helpers";
export async function t(payload, task) {
  ${statement}
}
`;

describe("a function that no task names", () => {
  const named = "export async function t() {}\n";

  it.each([
    ["an async function", "export async function other() {}"],
    ["an async arrow function", "export const other = async () => {};"],
    ["a typed task", "export const other = task({ run: async () => 1 });"],
  ])("a function that no task names is warned about: %s", async (_, text) => {
    expect(await warnedIn(`${named}${text}\n`)).toEqual(["PEACH720 pipelines/t.ts:2"]);
  });

  it("a typed task in a file of its own is warned about, an async function is not", async () => {
    const more = { "other.ts": "export const typed = task({});\nexport async function load() {}\n" };
    expect(await warnedIn(named, more)).toEqual(["PEACH720 pipelines/other.ts:1"]);
  });

  it.each([
    ["is used in its file", `${named}export async function other() {}\nconst use = other;`, {}],
    [
      "is used in another file",
      `${named}export async function other() {}`,
      { "b.ts": 'import { other } from "./t.ts";' },
    ],
    ["is not async", `${named}export function other() {}\nexport const schema = 1;`, {}],
    ["is exported under the name of a method", "async function own() {}\nexport { own as t };", {}],
    ["is a class or a type", `${named}export class Other {}\nexport type Names = string;`, {}],
  ])("a function is no task that %s", async (_, file, more) => {
    expect(await warnedIn(file, more)).toEqual([]);
  });

  it("a method of an endpoint, a fallback or a re-exported file has a name", async () => {
    const conf = "endpoints:\n  e: {method: e, fallback: f, auth: none}\ntasks:\n  g: {method: g, module: all}\n";
    const pipelines = {
      "all.ts": 'export * from "./own.ts";\n',
      "own.ts": "export async function e() {}\nexport async function f() {}\nexport async function g() {}\n",
    };
    expect(await warned({ conf, pipelines })).toEqual([]);
  });
});

describe("a step whose name varies", () => {
  it.each([
    "await step(`a ${Date.now()}`, fn);",
    "await step(`a ${new Date().toISOString()}`, fn);",
    'await step("a" + Math.random(), fn);',
    "await step(crypto.randomUUID(), fn);",
    "const id = crypto.randomUUID(); await step(`a ${id}`, fn);",
    "await task.step(`a ${task.attempt}`, fn);",
    "await step(`a ${currentTask().attempt}`, fn);",
    "await step<string>(String(Date.now()), fn);",
  ])("a step whose name varies is warned about: %s", async (statement) => {
    expect(await warnedIn(doing(statement))).toEqual(["PEACH726 pipelines/t.ts:3"]);
  });

  it.each([
    'await step("a", fn);',
    "await step(`a ${payload.id}`, fn);",
    "for (const [index, page] of payload.entries()) await step(`page ${index} ${page}`, fn);",
    "await step(`a ${new Date(payload.time).toISOString()}`, fn);",
    "for (let attempt = 0; attempt < 3; attempt += 1) await step(`try ${attempt}`, fn);",
    'await step("a", () => fetch(`x?now=${Date.now()}`));',
    "const now = await step('now', () => Date.now()); await step(`a ${now}`, fn);",
    "animation.step(Date.now());",
    "const one = () => { const id = crypto.randomUUID(); }; for (const { id } of payload) await step(`a ${id}`, fn);",
    "const one = () => { const id = Date.now(); }; const two = async ([id]) => { await step(`a ${id}`, fn); };",
    "const one = () => { const id = Date.now(); }; async function two(a, { b: { id = 1 } }) { await step(id, fn); }",
  ])("the name of a step stays the same: %s", async (statement) => {
    expect(await warnedIn(doing(statement))).toEqual([]);
  });
});

describe("a trigger that nothing awaits", () => {
  it.each([
    'trigger("t", payload);',
    'emitEvent("happened");',
    'task.triggerTaskWithEvent("t");',
    'payload.forEach((one) => trigger("t", one));',
    'payload.ok && emitEvent("happened");',
    'payload.ok ? trigger("t", 1) : null;',
    'task?.emitEvent("happened");',
    'trigger("t").then((run) => run.runId);',
    'trigger("t").then(() => {}).finally(() => {});',
  ])("a trigger that nothing awaits is warned about: %s", async (statement) => {
    expect(await warnedIn(doing(statement))).toEqual(["PEACH727 pipelines/t.ts:3"]);
  });

  it.each([
    'await trigger("t", payload);',
    'void trigger("t", payload);',
    'return trigger("t", payload);',
    'const run = trigger("t", payload); await run;',
    'await Promise.all(payload.map((one) => trigger("t", one)));',
    'task.waitUntil(trigger("t", payload));',
    'trigger("t").catch(() => {});',
    'trigger("t").then(() => {}).catch(() => {});',
    'trigger("t").then(() => {}, () => {});',
    'await trigger("t").then(() => {});',
    'payload.forEach((one) => void trigger("t", one));',
    "triggers.push(one);",
  ])("a trigger is right: %s", async (statement) => {
    expect(await warnedIn(doing(statement))).toEqual([]);
  });

  it.each([
    ["imported", 'import { emitEvent } from "./bus.ts";\n'],
    ["imported under the name", 'import { publish as emitEvent } from "./bus.ts";\n'],
    ["declared", "function emitEvent(name) {}\n"],
    ["a constant", "const emitEvent = (name) => {};\n"],
  ])("a function of the user's own is no trigger: %s", async (_, own) => {
    const text = `${own}export async function t() {\n  emitEvent("happened");\n}\n`;
    expect(await warnedIn(text)).toEqual([]);
  });

  it.each([
    'import { bus } from "./bus.ts";\nexport async function t() {\n  bus.emitEvent("a");\n}\n',
    'const bus = new Map();\nexport async function t() {\n  bus.emitEvent("a");\n}\n',
    'class Bus { run() { this.emitEvent("a"); } }\nexport async function t() {}\n',
  ])("a method of the user's own object is no trigger: %s", async (text) => {
    expect(await warnedIn(text)).toEqual([]);
  });

  it("a helper of an import as a whole is a trigger", async () => {
    const text =
      'import * as peach from "peach/task-helpers";\nexport async function t() {\n  peach.emitEvent("a");\n}\n';
    expect(await warnedIn(text)).toEqual(["PEACH727 pipelines/t.ts:3"]);
  });

  it("another function that is imported under the name of a helper is no trigger", async () => {
    const text = 'import { emitEvent as log } from "./bus.ts";\nexport async function t() {\n  log("a");\n}\n';
    expect(await warnedIn(text)).toEqual([]);
  });
});

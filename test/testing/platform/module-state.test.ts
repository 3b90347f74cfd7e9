import { describe, expect, it } from "vitest";
import { prepareModuleState } from "../../../src/testing/platform/module-state.ts";
import { freezeShared, type ModuleState } from "../../../src/testing/platform/shared-code.ts";

/** Code as esbuild makes it of modules, prepared and evaluated. */
function evaluate(text: string, required: Readonly<Record<string, unknown>> = {}) {
  const module: { exports: Record<string, (...given: unknown[]) => unknown>; state?: ModuleState } = { exports: {} };
  // oxlint-disable-next-line typescript/no-implied-eval
  const code = new Function("require", "module", `"use strict"; ${prepareModuleState(text)}`);
  Reflect.apply(code, undefined, [(name: string) => required[name], module]);
  const { exports, state } = module;
  if (state === undefined) throw new Error("it has no state");
  return { exports, state };
}

describe("the state of modules", () => {
  it.each([
    ["is assigned in a function", "var count = 0; function step() { return (count += 1); }"],
    ["is counted up", "var count = 0; function step() { return ++count; }"],
    [
      "is assigned by a pattern",
      "var count = 0; function step() { [{ count }] = [{ count: count + 1 }]; return count; }",
    ],
    ["is assigned by a loop", "var count = 0; function step() { for (count of [count + 1]); return count; }"],
    ["is a map", "var seen = new Map(); function step() { seen.set(seen.size, 1); return seen.size; }"],
    ["is a constant that is none", "var OWN = { count: 0 }; function step() { return (OWN.count += 1); }"],
    ["is an object", "var own = { count: 0 }; function step() { return (own.count += 1); }"],
    [
      "is made by a call",
      "function make() { let n = 0; return () => ++n; } var next = make(); function step() { return next(); }",
    ],
    [
      "is made of state",
      "var list = []; var view = { get size() { return list.push(1); } }; var next = view; function step() { return next.size; }",
    ],
  ])("the state of modules begins anew for each isolate, and is kept: what %s", (_, text) => {
    const { exports, state } = evaluate(`${text} module.exports = { step };`);
    const step = exports["step"];
    const isolates = [{}, {}];
    for (const isolate of isolates) {
      state.fresh();
      state.save(isolate);
    }
    const [one = {}, other = {}] = isolates;
    const counted: unknown[] = [];
    for (const isolate of [one, one, other, one, other]) {
      state.restore(isolate);
      counted.push(step?.());
      state.save(isolate);
    }
    expect(counted).toEqual([1, 2, 1, 3, 2]);
  });

  it.each([
    ["a class with a method that is called like state", "var Made = class { get list() { return 1; } };"],
    ["a constant with a part that is called like state", "var Made = class { static MOST = { list: 1 }; };"],
    ["what a library has made", 'var lib = __toESM(require("lib")); var Made = lib.make(1);'],
    ["a schema that our own code has named", "var MadeSchema = named(1); var Made = MadeSchema;"],
  ])("the state of modules is not %s: all isolates have the same", (_, made) => {
    const text = `
      var list = [];
      ${made}
      function named() { list; return {}; }
      function __toESM(it) { return it; }
      module.exports = { made: () => Made };`;
    const { exports, state } = evaluate(text, { lib: { make: () => ({}) } });
    state.fresh();
    const before = exports["made"]?.();
    state.fresh();
    expect(exports["made"]?.()).toBe(before);
    expect(before).toBeDefined();
  });

  it("the state of modules is what was generated for the isolate, and what is made of that", () => {
    const required: Record<string, unknown> = { "#generated/plan": { plan: "one" } };
    const text = `
      var import_plan = require("#generated/plan");
      var greet = hello(import_plan.plan);
      function hello(name) { return () => "hello " + name; }
      module.exports = { greet: () => greet() };`;
    const { exports, state } = evaluate(text, required);
    state.fresh();
    expect(exports["greet"]?.()).toBe("hello one");
    required["#generated/plan"] = { plan: "other" };
    state.fresh();
    expect(exports["greet"]?.()).toBe("hello other");
  });
});

describe("what isolates share", () => {
  it.each([
    ["a constant", "LIMITS", "most = 2"],
    ["a part of a constant", "LIMITS", "deep.list.push(3)"],
    ["a function", "change", "calls = 1"],
    ["a class", "Kept", "count = 1"],
    ["the methods of a class", "Kept", "prototype.count = 1"],
  ])("what isolates share cannot be changed by another name: %s", (_, name, change) => {
    const text = `
      var LIMITS = { most: 1, deep: { list: [1, 2] } };
      var Kept = class { static count = 0; };
      function change() { const it = ${name}; it.${change}; }
      module.exports = { change };`;
    const { exports, state } = evaluate(text);
    state.fresh();
    freezeShared(state.shared);
    expect(() => exports["change"]?.()).toThrow(TypeError);
  });
});

import { describe, expect, it } from "vitest";
import { mutate } from "../../scripts/mutate/mutants.ts";

/** What each change makes of the code, one text each. */
function changesOf(code: string): string[] {
  return mutate("src/x.ts", code).mutants.map(({ line, was, becomes }) => `${line}: ${was} → ${becomes}`);
}

/** What `f` returns, as it is and with each change switched on. */
function results(body: string, ...args: readonly unknown[]): unknown[] {
  const { code, mutants } = mutate("src/x.ts", `const LIMIT = 10;\nfunction f(a, b) { ${body} }`);
  const run = (active: string | null): unknown => {
    const scope = { mutation$: { active, reached: new Set(), hits: 0 } };
    // oxlint-disable-next-line typescript/no-implied-eval -- This is code that the mutator has made.
    const made: unknown = new Function("globalThis", "args", `${code}\nreturn f(...args);`);
    return typeof made === "function" ? made(scope, args) : null;
  };
  return [run(null), ...mutants.map(({ file, id }) => run(`${file}:${id}`))];
}

describe("a small change", () => {
  it("a small change is one of these", () => {
    const code = `function f(a, b) {
      if (a < b && !done) return 1;
      call(a);
      return a ?? (b ? true : LIMIT);
    }
    const LIMIT = 100;`;
    expect(changesOf(code)).toMatchInlineSnapshot(`
      [
        "2: a < b && !done → (a < b) || (!done)",
        "2: a < b → (a) <= (b)",
        "2: !done → done",
        "2: 1 → 2",
        "3: call(a); → left out",
        "4: a ?? (b ? true : LIMIT) → a",
        "4: b ? true : LIMIT → true",
        "4: b ? true : LIMIT → LIMIT",
        "4: true → false",
        "4: LIMIT → LIMIT * 10",
      ]
    `);
  });

  it("a small change does what it says when it is switched on, and nothing else", () => {
    expect(results("return a < b;", 1, 1)).toEqual([false, true]);
    expect(results("return a && b;", 0, 1)).toEqual([0, 1]);
    expect(results("return a ?? b;", null, 1)).toEqual([1, null]);
    expect(results("return a ? 'yes' : 'no';", true)).toEqual(["yes", "yes", "no"]);
    expect(results("const seen = new Set(); seen.add(a); return seen.size;", "x")).toEqual([1, 0]);
    expect(results("if (a) b(); else return 'else'; return 'then';", true, () => 0)).toEqual(["then", "then"]);
    expect(results("return a + LIMIT;", 1)).toEqual([11, -9, 101]);
    expect(results("return Math.max(a, b);", 1, 2)).toEqual([2, 1]);
    expect(results("return a.some((one) => one);", [0, "x"])).toEqual([true, false]);
    expect(results("return !a;", true)).toEqual([false, true]);
  });

  it("a small change is none in what a module does when it is loaded, in types, and in what ends a loop", () => {
    expect(changesOf("const A = 1 + 2; const B: 1 | 2 = 1; call(A);")).toEqual([]);
    expect(changesOf("function f(): 1 | true { let x: 5; for (x = y; x < z; x += w) {} while (x < z) {} }")).toEqual(
      [],
    );
  });

  it("a small change leaves everything else as it stands", () => {
    const code =
      'import { a, type B, c as d } from "x";\nexport { a };\nexport const { e, f: [g] } = { e: d, ...a };\n';
    expect(mutate("src/x.ts", code).code.startsWith(code)).toBe(true);
  });

  it("a small change that makes the code run in a circle ends it", () => {
    expect(() => results("while (a) { if (a > 0) a -= b; } return a;", 3, 1)).toThrow("in a circle");
  });
});

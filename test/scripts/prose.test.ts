import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compare, measure, type Measures, tighten } from "../../scripts/lint/prose.ts";

/** Two docs, the second of them indirect; 4 of 6 lines are comment; 3 of 12 words are pronouns. */
const TEXT = `/** Reads the file. */
/**
 * Whether it is those.
 */
const a = 1; // not counted: the line holds code
const b = "/* neither is this */";`;

const BOUND: Measures = {
  comment_percent: 20,
  indirect_percent: 8,
  pronouns_per_100: 6,
  wide_percent: 1,
};

describe("the measures of comments", () => {
  it("the measures of comments count comment lines, indirect beginnings and pronouns", () => {
    expect(measure([TEXT])).toEqual({
      comment_percent: 66.7,
      indirect_percent: 50,
      pronouns_per_100: 28.6,
      wide_percent: 0,
    });
  });

  it("the measures of comments count lines above 100 columns, in code as well", () => {
    expect(measure([`${"x".repeat(100)}\n${"y".repeat(101)}`]).wide_percent).toBe(50);
  });

  it("the measures of comments read line comments for pronouns, and only docs for their beginning", () => {
    expect(measure(["// It waits\n/** Waits. */"])).toMatchObject({
      indirect_percent: 0,
      pronouns_per_100: 33.3,
    });
  });
});

describe("the bounds of a folder", () => {
  it.each([
    ["comment_percent", 19.9, "below"],
    ["indirect_percent", 8.1, "above"],
    ["pronouns_per_100", 6.1, "above"],
    ["wide_percent", 1.1, "above"],
  ] as const)("the bounds of a folder refuse a worse %s", (name, is, side) => {
    expect(compare({ "src/a": { ...BOUND, [name]: is } }, { "src/a": BOUND })).toEqual([
      `src/a: ${name} is ${is}, ${side} its bound of ${BOUND[name]}`,
    ]);
  });

  it("the bounds of a folder allow what is better by less than half a point", () => {
    const better = { comment_percent: 20.4, indirect_percent: 7.6, pronouns_per_100: 5.6, wide_percent: 0.6 };
    expect(compare({ "src/a": better }, { "src/a": BOUND })).toEqual([]);
    expect(tighten({ "src/a": better }, { "src/a": BOUND })).toEqual({ "src/a": BOUND });
  });

  it.each([
    ["comment_percent", 20.5],
    ["indirect_percent", 7.5],
    ["pronouns_per_100", 5.5],
    ["wide_percent", 0.5],
  ] as const)("the bounds of a folder ask to be tightened where %s is %d", (name, is) => {
    const measured = { "src/a": { ...BOUND, [name]: is } };
    expect(compare(measured, { "src/a": BOUND })).toEqual([
      `src/a: ${name} is ${is}, better than its bound of ${BOUND[name]}: node scripts/lint/prose.ts --tighten`,
    ]);
    expect(tighten(measured, { "src/a": BOUND })).toEqual(measured);
  });

  it("the bounds of a folder are never loosened", () => {
    const worse = { comment_percent: 1, indirect_percent: 50, pronouns_per_100: 50, wide_percent: 50 };
    expect(tighten({ "src/a": worse }, { "src/a": BOUND })).toEqual({ "src/a": BOUND });
  });

  it("the bounds of a folder are demanded of a new folder, which begins no worse than the goal", () => {
    const worse = { comment_percent: 12.3, indirect_percent: 50, pronouns_per_100: 2.2, wide_percent: 3 };
    expect(compare({ "src/new": worse }, {})).toEqual([
      "src/new has no bounds yet: node scripts/lint/prose.ts --tighten",
    ]);
    expect(tighten({ "src/new": worse }, {})).toEqual({
      "src/new": { comment_percent: 12, indirect_percent: 8, pronouns_per_100: 2.5, wide_percent: 1 },
    });
  });

  it("the bounds of a folder leave with their folder", () => {
    expect(compare({}, { "src/old": BOUND })).toEqual([
      "src/old has bounds and no source: node scripts/lint/prose.ts --tighten",
    ]);
    expect(tighten({}, { "src/old": BOUND })).toEqual({});
  });
});

describe("node scripts/lint/prose.ts", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "peach-prose-"));
    mkdirSync(join(root, "src/a/inner"), { recursive: true });
    mkdirSync(join(root, "src/generated"));
    mkdirSync(join(root, "scripts/lint"), { recursive: true });
    writeFileSync(join(root, "scripts/lint/prose-bounds.json"), "{}\n");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const prose = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [resolve("scripts/lint/prose.ts"), ...args], { cwd: root, encoding: "utf8" });

  it("node scripts/lint/prose.ts goes red when a comment is added that names no subject, and green once it is reworded", () => {
    writeFileSync(join(root, "src/a/inner/x.ts"), "/** Reads a file. */\nexport const x = 1;\n");
    writeFileSync(join(root, "src/generated/y.ts"), "/** Whether. */\n");
    expect(prose("--tighten").status).toBe(0);
    expect(prose()).toMatchObject({ status: 0, stdout: "every folder keeps its bounds\n" });

    writeFileSync(join(root, "src/a/inner/x.ts"), "/** What is read of it. */\nexport const x = 1;\n");
    const red = prose();
    expect(red.status).toBe(1);
    expect(red.stdout).toContain("src/a: indirect_percent is 100, above its bound of 0");
    expect(prose("--tighten").status).toBe(1);

    writeFileSync(join(root, "src/a/inner/x.ts"), "/** Reads the text. */\nexport const x = 1;\n");
    expect(prose().status).toBe(0);
  });

  it("node scripts/lint/prose.ts exits with 2 if it is called wrongly", () => {
    expect(prose("--loosen")).toMatchObject({ status: 2, stderr: expect.stringContaining("--loosen") });
  });
});

import { describe, expect, it } from "vitest";
import { checkAll } from "../../../src/compiler/check.ts";
import { checkProject } from "../../../src/compiler/compile.ts";
import { type Diagnostic, renderDiagnostic } from "../../../src/compiler/diagnostic.ts";
import { lintProject } from "../../../src/compiler/lints/lint-project.ts";
import { withSilences } from "../../../src/compiler/silences.ts";
import { withProject } from "../project.ts";

/** The warnings of a project with this conf and this file, as people read them, without those of edges. */
function warnings(conf: string, file = "export async function a() {}\n"): Promise<string> {
  return withProject({ conf, pipelines: { "a.ts": file } }, (paths, folder) => {
    const sources = [
      { path: paths.confPath, text: conf },
      { path: `${paths.pipelinesDir}/a.ts`, text: file },
    ];
    return rendered(withSilences(lintProject(checkProject(paths), paths), sources), folder);
  });
}

function rendered(found: readonly Diagnostic[], folder: string): string {
  return found.map(renderDiagnostic).join("\n").replaceAll(`${folder}/`, "");
}

/** The warnings of `npm run check` for these texts. */
function checked(conf: string, file: string): Promise<string> {
  return withProject({ conf, pipelines: { "a.ts": file } }, async (paths, folder) =>
    rendered((await checkAll(paths)).warnings, folder),
  );
}

const UNREACHED = "tasks:\n  a: {method: a, callable: false}\n";

describe("a warning", () => {
  it("a warning says how it is silenced", async () => {
    expect(await warnings(UNREACHED)).toMatchInlineSnapshot(`
      "peach.conf:2:3: tasks.a: nothing triggers it, and \`callable: false\` keeps tokens from doing so [PEACH721]
        2 |   a: {method: a, callable: false}
          |   ^
        hint: give it \`on\` or \`schedule\`, put it downstream of a task, or trigger it by its name in a method; or leave out \`callable: false\`
          if it is meant so: # peach-ignore: PEACH721 REASON"
    `);
    const file = "export async function a() {}\nexport async function b() {}\n";
    expect(await warnings("tasks:\n  a: {method: a}\n", file)).toContain("// peach-ignore: PEACH720 REASON");
  });

  it.each([
    ["at its end", "tasks:\n  a: {method: a, callable: false} # peach-ignore: PEACH721 by hand\n"],
    ["above it", "tasks:\n  # peach-ignore: PEACH721 by hand\n  a: {method: a, callable: false}\n"],
    [
      "above it, and other comments",
      "tasks:\n  # peach-ignore: PEACH721 by hand\n  # Another.\n  a: {method: a, callable: false}\n",
    ],
  ])("a warning of peach.conf is silenced by a comment %s", async (_, conf) => {
    expect(await warnings(conf)).toBe("");
  });

  it.each([
    ["at its end", "export async function b() {} // peach-ignore: PEACH720 of the last release"],
    ["above it", "// peach-ignore: PEACH720 of the last release\nexport async function b() {}"],
  ])("a warning of a file is silenced by a comment %s", async (_, text) => {
    expect(await warnings("tasks:\n  a: {method: a}\n", `export async function a() {}\n${text}\n`)).toBe("");
  });

  it("a warning of an edge is silenced as well", async () => {
    const file = `import { task } from "peach/task-helpers";
import * as z from "zod";
export const a = task({ output: z.object({ n: z.number() }), run: async () => ({ n: 1 }) });
export const b = task({ input: z.object({ n: z.number().refine((n) => n > 0) }), run: async () => null });
`;
    const conf = "tasks:\n  a:\n    method: a\n    downstream: b\n  b: {method: b}\n";
    const told = await checked(conf, file);
    const [, line = "", code = ""] = /peach\.conf:(\d+):.*\[(PEACH6\d\d)\]/.exec(told) ?? [];
    const lines = conf.split("\n");
    lines[Number(line) - 1] += ` # peach-ignore: ${code} the API sends what fits`;
    expect(await checked(lines.join("\n"), file)).toBe("");
    expect(told).toContain(`if it is meant so: # peach-ignore: ${code} REASON`);
  });

  it.each([
    [
      "a warning that is not there",
      "PEACH724 both are wanted",
      "there is no PEACH724 on its line, or on the line below",
    ],
    ["a code that is not there", "PEECH721 by hand", "there is no code PEECH721; did you mean PEACH721?"],
    ["no code", "", "it names no code"],
    ["an error", "PEACH201 by hand", "PEACH201 is an error, which has to be mended"],
    ["a shortened code", "721 by hand", "write PEACH721 in full"],
  ])("a comment that silences %s is told", async (_, words, fault) => {
    const told = await warnings(`tasks:\n  a: {method: a, callable: false} # peach-ignore: ${words}\n`);
    expect(told).toContain(`this comment silences nothing: ${fault} [PEACH728]`);
    expect(told).toContain("[PEACH721]");
  });

  it("a silence without a reason silences, and is told", async () => {
    const told = await warnings("tasks:\n  a: {method: a, callable: false} # peach-ignore: PEACH721\n");
    expect(told).toContain("this comment gives no reason for silencing PEACH721 [PEACH728]");
    expect(told).not.toContain("[PEACH721]");
  });

  it("a silence holds for one line only", async () => {
    const conf =
      "tasks:\n  # peach-ignore: PEACH721 by hand\n  a: {method: a, callable: false}\n  b: {method: a, callable: false}\n";
    expect(await warnings(conf)).toMatch(/^peach\.conf:4:3: .*\[PEACH721\]/);
  });
});

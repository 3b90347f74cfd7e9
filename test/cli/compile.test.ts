import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/cli/commands/compile.ts";
import { runOne } from "../../src/cli/run-one.ts";
import { REPO_ROOT, withProject } from "../compiler/project.ts";
import { hostFor } from "../scripts/command-line.ts";

/** Compiles a conf to a folder of its own, by the command line `args`. */
function compiling(conf: string, args: readonly string[] = ["--out", "generated"]) {
  return withProject({ conf }, async ({ confPath, pipelinesDir }, folder) => {
    const env = { PEACH_CONF: confPath, PEACH_PIPELINES: pipelinesDir };
    const { host, written } = hostFor({ env, projectRoot: REPO_ROOT });
    const code = await runOne(compile, args, { ...host, cwd: folder });
    const { out, err } = written();
    const printed = [out, err]
      .filter((text) => text !== "")
      .join("\n")
      .replaceAll(`${folder}/`, "");
    return { code, printed, written: existsSync(join(folder, "generated/plan.ts")) };
  });
}

describe("npm run compile", () => {
  it("npm run compile writes to the folder that --out names, and says nothing", async () => {
    expect(await compiling("tasks:\n  t: {method: a}\n")).toEqual({ code: 0, printed: "", written: true });
  });

  it("npm run compile prints every problem, exits with 1 and writes nothing", async () => {
    const { code, printed, written } = await compiling("tasks:\n  t: {method: aa, speed: 1}\n");
    expect([code, written, printed.match(/^peach\.conf:2:\d+/gm)]).toEqual([
      1,
      false,
      ["peach.conf:2:15", "peach.conf:2:19"],
    ]);
  });

  it("npm run compile tells how many warnings there are, which the check prints", async () => {
    const answer = await compiling("tasks:\n  t: {method: a, callable: false}\n");
    expect(answer).toEqual({
      code: 0,
      printed: "peach.conf: 1 warning, shown by npm run peach -- check",
      written: true,
    });
  });

  it("npm run compile explains itself, also when it is called wrongly", async () => {
    expect(await compiling("", ["--help"])).toMatchObject({ code: 0, written: false });
    const wrong = await compiling("", ["--outt", "x"]);
    expect([wrong.code, wrong.printed.includes("usage: npm run compile")]).toEqual([2, true]);
  });
});

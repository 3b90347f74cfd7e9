import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { compileProject } from "../../src/compiler/compile.ts";
import { runCommand } from "../../src/cli/run.ts";
import { withProject } from "../compiler/project.ts";
import { hostFor } from "../scripts/command-line.ts";

it("peach schema prints what compiling writes beside the plan", async () => {
  await withProject({ conf: "tasks:\n  t: {method: a}\n" }, async (paths, folder) => {
    compileProject({ ...paths, outDir: join(folder, "generated") });
    const { host, written } = hostFor({ projectRoot: folder });
    expect(await runCommand(["schema"], host)).toBe(0);
    const { out } = written();
    expect(out.trimEnd()).toBe(readFileSync(join(folder, "generated/peach.schema.json"), "utf8").trimEnd());
    expect(JSON.parse(out)).toMatchObject({ title: "peach.conf", properties: { tasks: { type: "object" } } });
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupMembers } from "../../../src/local/process-group.ts";
import { DevProject, hello, PIPELINE, WAIT } from "./dev-project.ts";

let project: DevProject;
beforeEach(() => {
  project = new DevProject();
});
afterEach(() => project.close());

describe("npm run dev", () => {
  it("npm run dev serves the last good version while a file throws when it is loaded, or never ends loading", async () => {
    const { command, peach, group } = await project.ready("0");
    const members = groupMembers(group);

    project.write(
      "pipelines/greeting.ts",
      `const languages: string[] = [];\nlanguages[0]!.toUpperCase();\n${PIPELINE}`,
    );
    await expect.poll(() => command.stderr, WAIT).toContain("Not taken over");
    expect(command.stderr).toMatch(
      /^pipelines\/greeting\.ts:2:15: the file throws when it is loaded: TypeError: Cannot read properties of undefined/m,
    );
    expect(command.stderr).toContain("  2 | languages[0]!.toUpperCase();\n    |               ^");
    expect(await hello(peach)).toEqual({ version: 1 });

    project.write("pipelines/greeting.ts", PIPELINE);
    await expect.poll(() => command.stdout, WAIT).toContain("All is as in the running version again.");

    project.write("pipelines/greeting.ts", `let turns = 0;\nwhile (turns >= 0) turns = (turns + 1) % 7;\n${PIPELINE}`);
    await expect.poll(() => command.stderr, WAIT).toContain("the files take longer than 10 s to load");
    expect(command.stderr).toMatch(/^pipelines\/greeting\.ts:2:\d+: the files take longer/m);
    expect(await hello(peach)).toEqual({ version: 1 });

    project.write("pipelines/greeting.ts", PIPELINE.replace("1", "2"));
    await expect.poll(() => hello(peach), WAIT).toEqual({ version: 2 });
    expect(groupMembers(group).filter((pid) => members.includes(pid))).not.toEqual([]);
  });
});

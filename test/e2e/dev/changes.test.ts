import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONF, DevProject, hello, peachOf, PIPELINE, START, WAIT } from "./dev-project.ts";

let project: DevProject;
beforeEach(() => {
  project = new DevProject();
});
afterEach(() => project.close());

describe("npm run dev", () => {
  it("npm run dev takes changes over, and keeps the last good version serving while they are broken", async () => {
    const { command, peach } = await project.ready("0");
    expect(await hello(peach)).toEqual({ version: 1 });

    project.write("pipelines/greeting.ts", PIPELINE.replace("1", "2"));
    await expect.poll(() => hello(peach), WAIT).toEqual({ version: 2 });

    project.write("peach.conf", CONF.replace("tasks", "taks"));
    await expect.poll(() => command.stderr, WAIT).toContain("did you mean `tasks`?");
    expect(await hello(peach)).toEqual({ version: 2 });

    project.write("peach.conf", CONF);
    project.write("pipelines/greeting.ts", `import { nothing } from "zod";\n${PIPELINE.replace("1", "nothing")}`);
    await expect.poll(() => command.stderr, WAIT).toContain('No matching export in "node_modules/zod/index.js"');
    expect(await hello(peach)).toEqual({ version: 2 });

    project.write("pipelines/greeting.ts", PIPELINE.replace("1", "3"));
    await expect.poll(() => hello(peach), WAIT).toEqual({ version: 3 });
  });

  it("npm run dev takes over what is saved while it still starts", async () => {
    const command = project.dev("--port", "0");
    // The runtime is launched after the build, so that the build knows nothing of this change.
    await expect.poll(() => existsSync(join(project.stateFolder, "runtime/claim.json")), START).toBe(true);
    project.write("pipelines/greeting.ts", PIPELINE.replace("1", "2"));
    await expect.poll(() => command.stdout, START).toContain("Taken over.");
    const peach = peachOf(command.stdout);
    await expect.poll(() => hello(peach), WAIT).toEqual({ version: 2 });
  });
});

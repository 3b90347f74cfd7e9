import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { projectPaths } from "../../src/compiler/project-paths.ts";
import { withProject } from "./project.ts";

it("peach.conf is used, else peach.conf.example, and the environment chooses others", async () => {
  await withProject({ conf: "" }, (_paths, folder) => {
    expect(projectPaths({}, folder)).toEqual({
      projectRoot: folder,
      confPath: join(folder, "peach.conf"),
      pipelinesDir: join(folder, "src/pipelines"),
      wranglerPath: join(folder, "wrangler.toml"),
    });
    const below = join(folder, "pipelines");
    expect(projectPaths({ PEACH_CONF: "" }, below).confPath).toBe(join(below, "peach.conf"));
    writeFileSync(join(below, "peach.conf.example"), "");
    expect(projectPaths({}, below).confPath).toBe(join(below, "peach.conf.example"));
    expect(projectPaths({ PEACH_CONF: "../peach.conf", PEACH_PIPELINES: "/elsewhere" }, folder, below)).toMatchObject({
      confPath: join(folder, "peach.conf"),
      pipelinesDir: "/elsewhere",
    });
  });
});

/** What a user gets: the packed package in a project of their own, by the commands that they type. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { InstalledProject } from "./installed-project.ts";

const PORT = 20_871;
const URL_OF_DEV = `http://127.0.0.1:${PORT}`;
/** Parts of Peach's own development, by package. */
const OURS = ["vitest", "oxlint", "oxfmt", "knip", "preact", "fast-check", "minisearch", "playwright-core"];
/** Until the local runtime serves a first request. */
const START = { timeout: 60_000, interval: 200 };

let project: InstalledProject;
beforeAll(async () => {
  project = await InstalledProject.open();
  return () => project.close();
}, 240_000);

describe("an installed project", { timeout: 240_000 }, () => {
  it("an installed project has nothing of Peach's own development", () => {
    const megabytes = Math.round(project.installedBytes / 1_000_000);
    console.log(`node_modules of a project: ${megabytes} MB, installed in ${Math.round(project.installMs / 1_000)} s`);
    expect(OURS.filter((name) => existsSync(join(project.folder, "node_modules", name)))).toEqual([]);
  });

  it("an installed project is checked without the lint of Peach: a pipeline may use any, as, var and Buffer", async () => {
    const { code, output } = await project.run("peach", "check");
    expect(output).toContain("peach.conf: no problems in 2 tasks and 1 endpoint");
    expect(code).toBe(0);
  });

  it("an installed project is told of its mistakes at their place in its own peach.conf", async () => {
    const file = join(project.folder, "peach.conf");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace("method: shout", "method: shuot"));
    const { code, output } = await project.run("peach", "check");
    writeFileSync(file, text);
    expect(output).toContain("peach.conf:6:13: tasks.shout.method: no file under src/pipelines exports `shuot`");
    expect(code).toBe(1);
  });

  it("an installed project is deployed by wrangler, which checks and compiles it first, with no binding for an object", async () => {
    const { code, output } = await project.run("wrangler", "deploy", "--dry-run");
    expect(output).toContain("peach.conf: no problems");
    expect(output).toContain("env.RUN_QUEUE");
    expect(output).not.toContain("Durable Object");
    expect(code).toBe(0);
  });

  it("an installed project compiles against the declarations of every entry, in strict mode and with the libraries checked", async () => {
    const { exports }: { exports: Record<string, unknown> } = JSON.parse(
      readFileSync(join(project.folder, "node_modules/peach/package.json"), "utf8"),
    );
    const entries = Object.keys(exports).filter((name) => !name.endsWith(".json"));
    expect(entries.length).toBeGreaterThan(2);
    const lines = entries.map(
      (name, index) => `export * as e${index} from ${JSON.stringify(name.replace(".", "peach"))};`,
    );
    writeFileSync(join(project.folder, "entries.ts"), lines.join("\n"));
    writeFileSync(join(project.folder, "tsconfig.json"), JSON.stringify(STRICT));
    expect(await project.run("tsc", "--project", ".")).toEqual({ code: 0, output: "" });
  });

  it("an installed project runs on the local runtime, where an endpoint starts a run of its tasks", async () => {
    project.start("dev", "--port", String(PORT));
    await vi.waitFor(async () => expect((await fetch(`${URL_OF_DEV}/healthz`)).status).toBe(200), START);
    const answer: unknown = await (await fetch(`${URL_OF_DEV}/greet`)).json();
    const [, runId = ""] = /"(run_\w+)"/.exec(JSON.stringify(answer)) ?? [];
    await vi.waitFor(async () => {
      const { output } = await project.run("peach", "payload", runId, "shout", "--url", URL_OF_DEV);
      expect(output).toContain("HELLO WEB");
    }, START);
  });
});

const STRICT = {
  compilerOptions: {
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["esnext"],
    types: ["@cloudflare/workers-types"],
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ["entries.ts"],
};

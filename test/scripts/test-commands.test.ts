import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compileForTests } from "../../scripts/test-compile.ts";
import { projectsOf } from "../../scripts/test-projects.ts";

const CONF = "tasks:\n  greet:\n    method: greet\n";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-commands-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the compilation before tests", { timeout: 60_000 }, () => {
  const out = (): string => join(folder, "generated");
  const env = (): NodeJS.ProcessEnv => ({
    ...process.env,
    PEACH_CONF: join(folder, "peach.conf"),
    PEACH_PIPELINES: join(folder, "pipelines"),
  });
  const plan = (): string => readFileSync(join(out(), "plan.ts"), "utf8");

  beforeEach(() => {
    mkdirSync(join(folder, "pipelines"));
    mkdirSync(out());
    writeFileSync(join(folder, "pipelines/greet.ts"), "export const greet = (): void => undefined;\n");
    writeFileSync(join(folder, "peach.conf"), CONF);
  });

  it("the compilation before tests is done again when peach.conf has changed, and when what it wrote has gone", () => {
    expect(compileForTests(out(), env())).toBe(true);
    expect(plan()).not.toContain("meet");
    appendFileSync(join(folder, "peach.conf"), "  meet:\n    method: greet\n");
    expect(compileForTests(out(), env())).toBe(true);
    expect(plan()).toContain("meet");
    rmSync(join(out(), "plan.ts"));
    expect(compileForTests(out(), env())).toBe(true);
    expect(plan()).toContain("meet");
  });

  it("the compilation before tests is not done where nothing has changed", () => {
    expect(compileForTests(out(), env())).toBe(true);
    // A process of its own would fail.
    expect(compileForTests(out(), { ...env(), NODE_OPTIONS: "--require=./absent.cjs" })).toBe(true);
  });

  it("the compilation before tests says when peach.conf is broken, each time", () => {
    writeFileSync(join(folder, "peach.conf"), "tasks: 7\n");
    expect([compileForTests(out(), env()), compileForTests(out(), env())]).toEqual([false, false]);
  });
});

describe("the projects of a run of some files", () => {
  it("the projects of a run of some files are those of the files and folders", () => {
    expect(projectsOf(["test/domain/run/machine.test.ts"])).toEqual(["unit"]);
    expect(projectsOf(["test/http"])).toEqual(["workers"]);
    expect(projectsOf(["test/e2e/cli.test.ts", resolve("test/domain"), "test/compiler"])).toEqual(["e2e", "unit"]);
  });

  it("the projects of a run of some files are any for what is no file, and for none", () => {
    expect(projectsOf([])).toBeNull();
    expect(projectsOf(["test/domain", "machine"])).toBeNull();
    expect(projectsOf(["test"])).toBeNull();
    expect(projectsOf(["src/domain/run/machine.ts"])).toBeNull();
  });
});

describe("npm run test:watch", () => {
  it(
    "npm run test:watch runs the files again when one has changed, until it is ended",
    { timeout: 120_000 },
    async () => {
      symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
      const file = join(folder, "a.test.ts");
      const testOf = (name: string): string => `import { it } from "vitest";\nit("${name}", () => undefined);\n`;
      writeFileSync(file, testOf("first"));
      const args = ["scripts/test.ts", "--watch", "--reporter=verbose", "--root", folder];
      const watch = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
      let output = "";
      watch.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      const ended = new Promise((resolved) => watch.once("close", resolved));
      await vi.waitFor(() => expect(output).toMatch(/first[^]*Waiting for file changes/), 60_000);
      writeFileSync(file, testOf("second"));
      await vi.waitFor(() => expect(output).toContain("second"), 30_000);
      // As Ctrl-C: all of its group.
      process.kill(-(watch.pid ?? 0), "SIGINT");
      await ended;
    },
  );
});

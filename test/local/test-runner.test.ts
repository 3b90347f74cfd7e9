import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { testArguments } from "../../src/local/test-runner.ts";

/** A project with this package.json. */
function projectOf(manifest: object, mark = ""): string {
  const folder = mkdtempSync(join(tmpdir(), "peach-tests-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "package.json"), `${mark}${JSON.stringify(manifest)}`);
  return folder;
}

it("a project without vitest is tested by Node's runner, all of it or the files given", () => {
  const project = projectOf({ dependencies: { peach: "1.0.0" } }, "\uFEFF");
  expect(testArguments(project, [])).toEqual(["--test", "test/**/*.test.ts"]);
  expect(testArguments(project, ["test/a.test.ts"])).toEqual(["--test", "test/a.test.ts"]);
});

it.each(["dependencies", "devDependencies"])("a project with vitest in its %s is tested by its own vitest", (key) => {
  const project = projectOf({ [key]: { vitest: "5.1.1" } });
  mkdirSync(join(project, "node_modules/vitest"), { recursive: true });
  writeFileSync(join(project, "node_modules/vitest/package.json"), '{"name": "vitest"}');
  const program = join(project, "node_modules/vitest/vitest.mjs");
  expect(testArguments(project, [])).toEqual([program, "run"]);
  expect(testArguments(project, ["test/a.test.ts"])).toEqual([program, "run", "test/a.test.ts"]);
});

it("a project whose vitest is not installed is told to install it", () => {
  const project = projectOf({ devDependencies: { vitest: "5.1.1" } });
  expect(() => testArguments(project, [])).toThrow("package.json names vitest, which is not installed: npm install");
});

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runVitest } from "../../scripts/test-run.ts";
import { skippedLines, summaryLine } from "../../scripts/test-summary.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-summary-"));
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs vitest on one test file with this body. */
function countOf(body: string, env: NodeJS.ProcessEnv = {}): ReturnType<typeof runVitest> {
  writeFileSync(join(folder, "a.test.ts"), `import { beforeAll, expect, it } from "vitest";\n${body}`);
  return runVitest(["--root", folder], "ignore", env);
}

describe("the count of a test run", { timeout: 30_000 }, () => {
  it("the count of a test run counts tests, not files", async () => {
    const body = `it("a", () => expect(1).toBe(1)); it("b", () => expect(1).toBe(1));
      it("c", () => expect(1).toBe(2)); it.skip("d", () => undefined);`;
    expect(await countOf(body)).toEqual({ passed: 2, failed: 1, skipped: 1 });
  });

  it("the count of a test run counts a file that cannot be loaded as a failure", async () => {
    expect(await countOf(`import "./absent.ts"; it("a", () => undefined);`)).toEqual({
      passed: 0,
      failed: 1,
      skipped: 0,
    });
  });

  it("the count of a test run counts an unhandled error as a failure beside the test that passed", async () => {
    const body = `it("leaks", () => { Promise.reject(new Error("leak")); });`;
    expect(await countOf(body)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it("the count of a test run counts a failing hook as a failure", async () => {
    const body = `beforeAll(() => { throw new Error("hook"); }); it("a", () => undefined);`;
    expect(await countOf(body)).toMatchObject({ passed: 0, failed: 1 });
  });

  it("the count of a test run counts tests whose process dies as failures", async () => {
    const { passed, failed } = await countOf(`it("dies", () => { process.kill(process.pid, "SIGKILL"); });`);
    expect(passed).toBe(0);
    expect(failed).toBeGreaterThan(0);
  });

  it("the count of a test run gives a run up that stands still, and counts it as a failure", async () => {
    const body = `it("never ends", () => new Promise(() => undefined), 60_000);`;
    expect((await countOf(body, { PEACH_TEST_STALL_MS: "2000" })).failed).toBeGreaterThan(0);
  });

  it("the count of a test run is a failure if no test is found", async () => {
    expect(await runVitest(["--root", folder], "ignore")).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe("the closing line", () => {
  it("the closing line names passed and failed tests, and skipped ones only if there are any", () => {
    expect(summaryLine({ passed: 12, failed: 0, skipped: 0 })).toBe("12 passed, 0 failed");
    expect(summaryLine({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
  });
});

describe("the lines about skipped tests", () => {
  it("the lines about skipped tests name each file with its count, and say how to run them", () => {
    const lines = skippedLines(
      new Map([
        ["test/lab/module.test.ts", 3],
        ["test/e2e/lab.test.ts", 1],
      ]),
    );
    expect(lines.slice(0, 3)).toEqual(["Skipped:", "  test/lab/module.test.ts (3)", "  test/e2e/lab.test.ts (1)"]);
    expect(lines.at(-1)).toContain(".ci/run");
  });

  it("the lines about skipped tests are none where nothing was skipped", () => {
    expect(skippedLines(new Map())).toEqual([]);
  });
});

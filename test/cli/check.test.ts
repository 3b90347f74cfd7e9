import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type Check, type CheckReport, runChecks } from "../../scripts/check.ts";

function check(name: string, script: string, needsCompile = false): Check {
  return { name, commands: [[process.execPath, "-e", script]], needsCompile };
}

const GOOD = "process.exit(0)";
const BAD = "console.log('what is wrong'); process.exit(1)";

describe("npm run check", () => {
  it("npm run check reports each check in the order given, with the output of what failed", async () => {
    const told: string[] = [];
    const reports = await runChecks(check("compile", GOOD), [check("a", BAD), check("b", GOOD, true)], (report) =>
      told.push(report.check),
    );
    expect(reports.map(({ check: name, status }) => [name, status])).toEqual([
      ["compile", "ok"],
      ["a", "failed"],
      ["b", "ok"],
    ]);
    expect(reports.find(({ check: name }) => name === "a")?.output).toContain("what is wrong");
    expect(told.toSorted()).toEqual(["a", "b", "compile"]);
  });

  it("npm run check skips what reads the compiled files if they could not be compiled, and runs the rest", async () => {
    const reports = await runChecks(check("compile", BAD), [check("a", GOOD, true), check("b", GOOD)], () => undefined);
    expect(reports.map(({ status }) => status)).toEqual(["failed", "skipped", "ok"]);
  });

  it("npm run check fails a check as soon as one of its commands fails, and shows which", async () => {
    const two: Check = {
      name: "types",
      commands: [
        [process.execPath, "-e", BAD],
        [process.execPath, "-e", GOOD],
      ],
      needsCompile: false,
    };
    const reports: CheckReport[] = await runChecks(check("compile", GOOD), [two], () => undefined);
    expect(reports[1]?.status).toBe("failed");
    expect(reports[1]?.output).toMatch(/^\$ .* -e console\.log/);
  });

  it("npm run check fails a check whose command is not there", async () => {
    const absent: Check = { name: "a", commands: [["peach-absent-command"]], needsCompile: false };
    const reports = await runChecks(check("compile", GOOD), [absent], () => undefined);
    expect(reports[1]).toMatchObject({ status: "failed", output: expect.stringContaining("peach-absent-command") });
  });

  it("npm run check exits with 2 and its help if it is called wrongly, with 0 for --help", () => {
    const wrong = spawnSync(process.execPath, ["scripts/check.ts", "--jsom"], { encoding: "utf8" });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain("--jsom");
    expect(wrong.stderr).toContain("npm run check");
    const help = spawnSync(process.execPath, ["scripts/check.ts", "--help"], { encoding: "utf8" });
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("--json");
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeFault, describeUntried, tryWorker, type Trial } from "../../src/local/trial.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-trial-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function tried(text: string, config: Readonly<Record<string, unknown>> = {}): Promise<Trial> {
  const sources = { sources: [], lines: {}, names: {} };
  return tryWorker(folder, { text, sourceMap: "", sources }, { compatibility_date: "2026-11-01", ...config });
}

describe("a trial of a bundle", () => {
  it("a trial of a bundle tells one that loads from one that throws", async () => {
    expect(await tried("export default {};")).toEqual({ type: "loads" });
    expect(await tried('throw new Error("at import");')).toMatchObject({ type: "threw", message: "Error: at import" });
  });

  it("a trial of a bundle allows the experimental flags that the local runtime allows", async () => {
    const flags = { compatibility_flags: ["experimental"] };
    expect(await tried('throw new Error("at import");', flags)).toMatchObject({ type: "threw" });
  });

  it("what a file throws does not steer the terminal, and keeps its lines", () => {
    const folders = { project: folder, peach: [folder], conf: folder, pipelines: join(folder, "pipelines") };
    const fault = {
      type: "threw",
      message: "Error: \u001B[2Jone\u0007\ntwo",
      stack: "Error\n    at \u001B[31mx",
    } as const;
    expect(describeFault(fault, folders)).toBe("the file throws when it is loaded: Error: one \ntwo\nError\n    at x");
  });

  it("a trial of a bundle that cannot be run says so, with the reason", async () => {
    const trial = await tried("export default {};", { compatibility_date: "no date" });
    expect(trial).toMatchObject({ type: "untried", reason: expect.stringContaining("compatibility date") });
    expect(describeUntried("")).toBe(
      "The new version could not be tried before it was taken over: workerd ended without a message",
    );
  });
});

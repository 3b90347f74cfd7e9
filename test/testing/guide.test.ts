import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { blocksIn, page } from "../support/documents.ts";

const BLOCKS = blocksIn(page("docs/guides/testing.md"), "ts");

/** Runs a block of the guide as a program of the clone. */
function run(block: string): { readonly status: number | null; readonly said: string } {
  const folder = mkdtempSync(join(import.meta.dirname, "guide-"));
  try {
    const file = join(folder, "block.ts");
    writeFileSync(file, block);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_TEST)/.test(name)));
    const args = ["--conditions=peach-source", "--no-warnings", file];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
    return { status, said: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the guide to tests", () => {
  it.each(BLOCKS.filter((block) => !block.includes("simulate")).map((block, index) => [index + 1, block] as const))(
    "shows a program that runs: its block %i",
    { timeout: 60_000 },
    (_, block) => {
      const { status, said } = run(block);
      expect(status, said).toBe(0);
    },
  );

  it("shows a simulation that finds the planted bug, with a seed", { timeout: 60_000 }, () => {
    const [block = ""] = BLOCKS.filter((each) => each.includes("simulate"));
    const { status, said } = run(block);
    expect(status).toBe(1);
    expect(said).toMatch(/SimulationError: seed (\d+): .*Live through it again: simulate\(\{ seed: \1, … \}\)/s);
    expect(said).toMatch(/!! crash|!! isolate_crash/);
  });
});

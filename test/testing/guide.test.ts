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
    "the guide to tests shows a program that runs: its block %i",
    { timeout: 60_000 },
    (_, block) => {
      const { status, said } = run(block);
      expect(status, said).toBe(0);
    },
  );

  it.each([
    { bug: "an effect that is made twice", finds: "charge" },
    { bug: "a join that relies on an order", finds: "offer" },
    { bug: "a key that is another one in each attempt", finds: "sell" },
  ])(
    "the guide to tests shows a simulation that finds $bug, with a seed that shows it again",
    { timeout: 60_000 },
    ({ finds }) => {
      const block = BLOCKS.find((each) => each.includes("simulate") && each.includes(`${finds}: {method`)) ?? "";
      const found = run(block);
      expect(found.status).toBe(1);
      expect(found.said).toMatch(
        /SimulationError: seed (\d+): .*Live through it again: simulate\(\{ seed: \1, … \}\)/s,
      );
      expect(found.said).toMatch(/!! /);
      const [, seed = ""] = /SimulationError: seed (\d+)/.exec(found.said) ?? [];
      const again = run(block.replace("simulate({", `simulate({ seed: ${seed},`));
      expect(storyIn(again.said)).toEqual(storyIn(found.said));
    },
  );
});

/** The lines with a time of the world. */
function storyIn(said: string): string[] {
  return said.split("\n").filter((line) => /^ +\d+\.\d{3} s /.test(line));
}

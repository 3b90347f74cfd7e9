import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { shownProblemsOf } from "./project.ts";

/**
 * Each `broken/<what is wrong>.conf` stands beside the exact text that its author reads, `.txt`; `.toml`, if there is one, is its
 * wrangler.toml. A new case is a `.conf`; its text is written by `-u`, and read before it is kept.
 */
const FOLDER = join(import.meta.dirname, "broken");

function named(ending: string): string[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(ending));
  return files.map((file) => file.slice(0, -ending.length));
}

const CASES = named(".conf");
const WITH_WRANGLER = new Set(named(".toml"));

it.each(CASES.map((name) => [name.replaceAll("-", " "), name] as const))(
  "a conf that %s is refused with the place of each problem",
  async (_words, name) => {
    const path = join(FOLDER, name);
    const more = WITH_WRANGLER.has(name) ? { wrangler: readFileSync(`${path}.toml`, "utf8") } : {};
    const problems = await shownProblemsOf(readFileSync(`${path}.conf`, "utf8"), more);
    expect(problems).toMatch(/^(peach\.conf|wrangler\.toml):\d+:\d+: ./);
    await expect(`${problems}\n`).toMatchFileSnapshot(`${path}.txt`);
  },
);

it("every text and every wrangler.toml of a broken conf has its conf", () => {
  expect([...named(".txt"), ...WITH_WRANGLER].filter((name) => !CASES.includes(name))).toEqual([]);
});

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const SECTIONS = readFileSync(join(ROOT, "docs/design/invariants.md"), "utf8").split(/^## /m).slice(1);

describe("the list of invariants", () => {
  it("has the fifteen, in order", () => {
    expect(SECTIONS.map((section) => Number.parseInt(section, 10))).toEqual(
      Array.from({ length: 15 }, (_, n) => n + 1),
    );
  });

  it.for(SECTIONS.map((section) => [section.split("\n")[0] ?? "", section] as const))(
    "%s names tests that exist",
    ([, section]) => {
      const named = [...section.matchAll(/^- `(?<file>[^`]+)`(?:: (?<title>.+))?$/gm)];
      expect(named.length).toBeGreaterThan(0);
      for (const { groups } of named) {
        const path = join(ROOT, groups?.["file"] ?? "");
        expect(existsSync(path), path).toBe(true);
        expect(readFileSync(path, "utf8")).toContain(groups?.["title"] ?? "");
      }
    },
  );
});

/** Documents that name the tests by which they are held, as lines "- `file`: title". */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

export function readProjectFile(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Expects the section to name at least one test, and each of them to exist. */
export function expectTestsExist(section: string): void {
  const named = [...section.matchAll(/^- `(?<file>[^`]+)`(?:: (?<title>.+))?$/gm)];
  expect(named.length).toBeGreaterThan(0);
  for (const { groups } of named) {
    const path = join(ROOT, groups?.["file"] ?? "");
    expect(existsSync(path), path).toBe(true);
    expect(readFileSync(path, "utf8")).toContain(groups?.["title"] ?? "");
  }
}

/** Plans an upgrade: runs the steps in order, on the files as earlier steps have changed them. */
import { isMapping } from "../../compiler/schema-parts.ts";
import { parsed } from "../json-text.ts";
import { migrations, schemaLine, version } from "./every-release.ts";
import { hasScriptsOfFork } from "./fork-0.2.0.ts";
import { FROM_0_2_0 } from "./from-0.2.0.ts";
import { OTHER_FORMATS } from "../../compiler/check-worker-resources.ts";
import type { ProjectFiles, Release, Step, StepResult } from "./step.ts";

/** A planned upgrade. With any refusal nothing is changed. */
export interface UpgradePlan {
  /** The release of the project; null if unknown. */
  readonly from: string | null;
  readonly changes: readonly FileChange[];
  readonly refusals: readonly string[];
  readonly notes: readonly string[];
}

/** The change of one file; `before` is null for a new one. Files are written in this order. */
export interface FileChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string;
  /** The titles of the steps. */
  readonly titles: readonly string[];
}

/**
 * The steps by the last release in need of them, oldest first. `npm install peach@latest` before
 * the upgrade writes the new release to package.json. So a step belongs to every upgrade, or the
 * files tell the old release, as in a fork of 0.2.0.
 */
const STEPS: readonly (readonly [release: string, steps: readonly Step[]])[] = [
  ["0.2.0", FROM_0_2_0],
];
/** The steps of every upgrade. */
const EVERY: readonly Step[] = [version, migrations, schemaLine];

/** Plans the upgrade of a project to this release. */
export function planUpgrade(files: ProjectFiles, release: Release): UpgradePlan {
  const unreadable = unreadableFiles(files);
  const from = unreadable.length > 0 ? null : releaseOf(files);
  if (from === null) {
    const foreign =
      "this is no project of Peach: package.json does not depend on peach, and src/index.ts is not that of a clone";
    const refusals = unreadable.length > 0 ? unreadable : [foreign];
    return { from, changes: [], refusals, notes: [] };
  }
  if (compareReleases(from, release.version) > 0) {
    const later =
      `package.json depends on peach ${from}, which is later than ${release.version}, ` +
      "the release of this command: upgrade with that release";
    return { from, changes: [], refusals: [later], notes: [] };
  }
  const needed = STEPS.filter(([last]) => compareReleases(from, last) <= 0);
  const steps = [...needed.flatMap(([, all]) => all), ...EVERY];
  const current = new Map(files);
  const titles = new Map<string, string[]>();
  const results: StepResult[] = [];
  for (const step of steps) {
    const result = step.run(current, release);
    results.push(result);
    for (const [path, text] of result.changes) {
      current.set(path, text);
      titles.set(path, [...(titles.get(path) ?? []), step.title]);
    }
  }
  const changes = [...titles].flatMap(([path, why]) => {
    const before = files.get(path) ?? null;
    const after = current.get(path) ?? "";
    return before === after ? [] : [{ path, before, after, titles: why }];
  });
  return {
    from,
    changes: changes.toSorted((a, b) => Number(isLast(a)) - Number(isLast(b))),
    refusals: [...new Set(results.flatMap(({ refusals }) => refusals))],
    notes: results.flatMap(({ notes }) => notes),
  };
}

/**
 * Selects package.json, which names the release. Written last, so the next upgrade completes an
 * interrupted one.
 */
function isLast({ path }: FileChange): boolean {
  return path === "package.json";
}

/** Names the files that no step can read. */
function unreadableFiles(files: ProjectFiles): string[] {
  const others = OTHER_FORMATS.filter((name) => typeof files.get(name) === "string").map(
    (name) =>
      `wrangler deploys by ${name}, which Peach does not read: write its content as wrangler.toml, and delete ${name}`,
  );
  try {
    parsed(files.get("package.json") ?? "{}");
    return others;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [...others, `package.json is no JSON (${reason}): mend it, and upgrade again`];
  }
}

/** Compares two releases by their numbers. */
function compareReleases(a: string, b: string): number {
  const numbers = (release: string): number[] => release.split(/[.-]/).slice(0, 3).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  const differing = [0, 1, 2].find((index) => left[index] !== right[index]) ?? 0;
  return (left[differing] ?? 0) - (right[differing] ?? 0);
}

/**
 * Tells which release a project has: 0.2.0 for a fork of the repository, also with files that an
 * upgrade has changed already, or the version that package.json depends on. The version in a fork
 * does not count: `npm install` may have written the version before the upgrade.
 */
function releaseOf(files: ProjectFiles): string | null {
  const text = files.get("package.json");
  if (text === null || text === undefined) return null;
  const manifest = parsed(text);
  const index = files.get("src/index.ts") ?? "";
  const isIndexOfFork = index.includes("./worker/worker.ts");
  if (hasScriptsOfFork(manifest["scripts"]) && (isIndexOfFork || index.includes('"peach/worker"')))
    return "0.2.0";
  for (const key of ["dependencies", "devDependencies"]) {
    const entries = manifest[key];
    const peach = isMapping(entries) ? entries["peach"] : undefined;
    if (typeof peach === "string")
      return /\d+\.\d+\.\d+[\w.-]*/.exec(peach)?.[0].replace(/\.tgz$/, "") ?? peach;
  }
  return isIndexOfFork ? "0.2.0" : null;
}

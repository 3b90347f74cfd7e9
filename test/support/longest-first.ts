/**
 * The files that take longest begin first, so that at the end of a run no core waits for one of them. Those of one project follow
 * each other: a worker goes on with the next file only if it is of the same project.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Longest first within its project; all others are shorter. Of the end-to-end tests, those that mostly wait (for due times, leases,
 * delays) come between those that compute, so that few of the latter run side by side.
 */
const LONGEST = [
  "engine-simulation/seeded-bugs",
  "engine-simulation/simulation",
  "compiler/edges/soundness",
  "engine-simulation/found-seeds",
  "domain/schedules/cron",
  "testing/guide",
  "scripts/documents",
  "scripts/fuzz",
  "compiler/edges/components",
  "compiler/codes",
  "scripts/test-summary",
  "client/types",
  "compiler/types/types",
  "triggers/r2-burst",
  "payloads/payload-store",
  "objects/limits/concurrency",
  "objects/run/retention",
  "triggers/check-input",
  "e2e/deploys",
  "e2e/dev/start",
  "e2e/hostile-bodies",
  "e2e/package",
  "e2e/death",
  "e2e/dashboard/looking",
  "e2e/dev/suggestions",
  "e2e/limits",
  "e2e/payloads",
  "e2e/demo",
  "e2e/lanes",
  "e2e/dev/faults",
  "e2e/dev/changes",
  "e2e/cli.",
  "e2e/dashboard/acting",
  "e2e/steps",
  "e2e/upgrade",
  "e2e/each",
  "e2e/dashboard/measuring",
  "e2e/dashboard/hostile-page",
  "e2e/tutorial",
  "e2e/stores",
  "e2e/steering",
  "e2e/features",
  "e2e/dags",
  "e2e/dashboard/run-page",
  "e2e/lab",
  "e2e/recommendations",
  "e2e/dashboard/incident",
].map((name) => `/test/${name}`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- The sequencer's own: it returns a new array.
    const sorted = await super.sort(files);
    return sorted.toSorted(
      (one, other) => one.project.name.localeCompare(other.project.name) || placeOf(one) - placeOf(other),
    );
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((name) => moduleId.includes(name));
  return place === -1 ? LONGEST.length : place;
}

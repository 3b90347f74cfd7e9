/**
 * The files that take longest begin first, so that at the end of a run no core waits for one of them. Those of one project follow
 * each other: a worker goes on with the next file only if it is of the same project.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Each above ten seconds or so, longest first within its project; all others are shorter. */
const LONGEST = [
  "engine-simulation/simulation",
  "engine-simulation/seeded-bugs",
  "compiler/check-types",
  "scripts/cli.",
  "engine-simulation/found-seeds",
  "scripts/fuzz",
  "scripts/test-summary",
  "domain/schedules/cron",
  "payloads/payload-store",
  "objects/limits/concurrency",
  "objects/run/each-cost",
  "objects/run/retention",
  "e2e/hostile-bodies",
  "e2e/deploys",
  "e2e/death",
  "e2e/limits",
  "e2e/dev",
  "e2e/each",
  "e2e/payloads",
  "e2e/dashboard/acting",
  "e2e/demo",
  "e2e/lanes",
  "e2e/steps",
  "e2e/dashboard",
  "e2e/lab",
  "e2e/features",
  "e2e/tutorial",
  "e2e/steering",
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

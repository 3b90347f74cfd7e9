/**
 * The files that take longest begin first, so that at the end of a run no core waits for one of them. Those of one project follow
 * each other: a worker goes on with the next file only if it is of the same project.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Each above ten seconds or so; all others are shorter. */
const LONGEST = [
  "engine-simulation/simulation",
  "engine-simulation/seeded-bugs",
  "triggers/r2-burst",
  "payloads/payload-store",
  "objects/limits/concurrency",
  "e2e/lanes",
  "e2e/limits",
  "e2e/dev",
  "e2e/death",
  "e2e/demo",
  "e2e/payloads",
  "e2e/each",
  "e2e/cli",
  "e2e/steps",
  "e2e/dashboard",
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

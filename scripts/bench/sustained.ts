/**
 * Sustained load: triggers at an even rate below each system's throughput, whether or not the last
 * ones were answered. The result is the latency of triggers, including the slowest, and the number
 * of runs left behind.
 */
import type { Measure } from "./measure.ts";
import { medianOf, quantileOf } from "./statistics.ts";
import type { System, SystemName } from "./systems.ts";
import { KILOBYTE, type WorkName } from "./worker/works.ts";

const A_SECOND = 40;
const SECONDS = 20;

/** Creates the measure of a work at an even rate. */
export function sustained(
  name: string,
  work: WorkName,
  suffix: string,
  systems: readonly SystemName[],
): Measure {
  const titled = (title: string): string => `${A_SECOND} diamonds a second${suffix}, ${title}`;
  return {
    name,
    metrics: [
      { name: `${name}_to_202`, title: titled("trigger to 202"), unit: "ms" },
      { name: `${name}_to_202_p99`, title: titled("the same, 99 of 100"), unit: "ms" },
      { name: `${name}_to_end`, title: titled("trigger to the end"), unit: "ms" },
      { name: `${name}_to_end_p99`, title: titled("the same, 99 of 100"), unit: "ms" },
    ],
    systems,
    once: true,
    localOnly: true,
    sample: (system, share) => sampleOf(system, work, Math.ceil(A_SECOND * SECONDS * share)),
  };
}

async function sampleOf(system: System, work: WorkName, runs: number): Promise<readonly number[]> {
  const startedAt = performance.now();
  const accepted: number[] = [];
  const ended: number[] = [];
  const one = async (): Promise<void> => {
    const sentAt = performance.now();
    const { acceptedMs } = await system.run(work, KILOBYTE);
    accepted.push(acceptedMs);
    ended.push(performance.now() - sentAt);
  };
  const begun: Promise<void>[] = [];
  for (let run = 0; run < runs; run += 1) {
    const dueAt = startedAt + (run * 1_000) / A_SECOND;
    await new Promise((wake) => setTimeout(wake, Math.max(0, dueAt - performance.now())));
    begun.push(one());
  }
  await Promise.all(begun);
  return [medianOf(accepted), quantileOf(accepted, 0.99), medianOf(ended), quantileOf(ended, 0.99)];
}

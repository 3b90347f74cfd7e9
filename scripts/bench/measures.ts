/**
 * The measures, and their method.
 *
 * Time inside a run is the difference of two stamps, `Date.now()` at the first line of two tasks:
 * the first and the last task of a chain or a fan-out. So every hop counts from user code to user
 * code, without the trigger and without the report of the end. Stamps are whole milliseconds. A
 * sample is the mean of several runs, begun at random phases of the clock, so that the half
 * millisecond at either end averages out.
 *
 * Ten thousand items are one task with `each` for Peach. Workflows runs 2,000 steps side by side
 * instead, a fifth of the work: of 10,000 steps, none was finished after five minutes on the local
 * runtime.
 *
 * Throughput is measured in a closed loop: each of 64 clients triggers a run, waits until its last
 * task has reported, and triggers the next. The report (one HTTP request to a listener on loopback)
 * is the same for all systems.
 *
 * Sustained load and overload are described in sustained.ts and overload.ts.
 *
 * Equal for all systems: the tasks and payloads, a local runtime (`wrangler dev`, tracing off; one
 * for Peach, one for the two baselines), one HTTP trigger a run, and the same machine in the same
 * minute. Samples alternate between the systems, so drift hits all. Different: Peach checks a
 * token, keeps leases, inputs, attempts and logs, and (queue dispatch) uses its queue; Workflows
 * keeps steps and their retries; the bound keeps a row a task and would survive no failure.
 * Workflows and the bound carry 10 MiB through R2 by hand, as their users must; Peach does so by
 * itself.
 */
import type { Measure } from "./measure.ts";
import { overload } from "./overload.ts";
import { meanOf, medianOf } from "./statistics.ts";
import { sustained } from "./sustained.ts";
import { SYSTEMS, type MeasuredRun, type System, type SystemName } from "./systems.ts";
import { KILOBYTE, type WorkName } from "./worker/works.ts";

const CLIENTS = 64;

export const MEASURES: readonly Measure[] = [
  {
    name: "chain_10",
    metrics: [{ name: "chain_10", title: "chain of 10, per hop", unit: "ms" }],
    systems: SYSTEMS,
    sample: async (system, share) => [
      meanOf(
        await inSequence(Math.ceil(20 * share), async () =>
          perHop(await system.run("chain_10"), 0, 1, 9),
        ),
      ),
    ],
  },
  {
    name: "chain_100",
    metrics: [
      { name: "chain_100", title: "chain of 100, per hop", unit: "ms" },
      { name: "flatness", title: "the same, hops 90-99 / hops 1-10", unit: "x" },
    ],
    systems: SYSTEMS,
    sample: async (system, share) => {
      const runs = await inSequence(Math.ceil(6 * share), () => system.run("chain_100"));
      const early = meanOf(runs.map((run) => perHop(run, 0, 1, 10)));
      const late = meanOf(runs.map((run) => perHop(run, 2, 3, 10)));
      return [meanOf(runs.map((run) => perHop(run, 0, 3, 99))), late / early];
    },
  },
  fanOut("fan_100", "fan-out of 100 and join", 5),
  fanOut("fan_1000", "fan-out of 1,000 and join", 1),
  {
    name: "each",
    metrics: [
      {
        name: "each",
        title: "10,000 items (Workflows: 2,000) and join, from the trigger on",
        unit: "ms",
      },
    ],
    systems: ["peach", "workflows"],
    sample: async (system) => {
      const run = await system.run("each");
      return [run.toCodeMs + span(run, 0, 1)];
    },
  },
  diamonds("diamonds", "diamond", "", SYSTEMS),
  // The part of a diamond without the queue; the other two systems have none.
  diamonds("diamonds_direct", "diamond_direct", ", dispatch: direct", ["peach", "bound"]),
  sustained("sustained", "diamond", "", SYSTEMS),
  overload("overload", "diamond", "", SYSTEMS),
  overload("overload_direct", "diamond_direct", ", dispatch: direct", ["peach"]),
  trigger("trigger", "solo", "", SYSTEMS),
  trigger("direct", "solo_direct", ", dispatch: direct", ["peach", "bound"]),
  {
    name: "blobs",
    metrics: [{ name: "blobs", title: "chain of 5 passing 10 MiB", unit: "ms" }],
    systems: SYSTEMS,
    sample: async (system) => [span(await system.run("blobs"), 0, 1)],
  },
];

function fanOut(work: WorkName, title: string, runs: number): Measure {
  return {
    name: work,
    metrics: [{ name: work, title, unit: "ms" }],
    systems: SYSTEMS,
    sample: async (system, share) => [
      meanOf(
        await inSequence(Math.ceil(runs * share), async () => span(await system.run(work), 0, 1)),
      ),
    ],
  };
}

function diamonds(
  name: string,
  work: WorkName,
  suffix: string,
  systems: readonly SystemName[],
): Measure {
  return {
    name,
    metrics: [{ name, title: `diamonds of 4 tasks, 64 clients${suffix}`, unit: "runs/s" }],
    systems,
    sample: async (system, share) => [await throughput(system, work, Math.ceil(1_000 * share))],
  };
}

function trigger(
  name: string,
  work: WorkName,
  suffix: string,
  systems: readonly SystemName[],
): Measure {
  return {
    name,
    metrics: [
      { name: `${name}_accepted`, title: `trigger to 202${suffix}`, unit: "ms" },
      { name: `${name}_to_code`, title: `trigger to first line of code${suffix}`, unit: "ms" },
    ],
    systems,
    sample: async (system, share) => {
      const runs = await inSequence(Math.ceil(40 * share), () => system.run(work));
      return [
        medianOf(runs.map(({ acceptedMs }) => acceptedMs)),
        medianOf(runs.map(({ toCodeMs }) => toCodeMs)),
      ];
    },
  };
}

/** Runs a second with 1 KB payloads, from 64 clients. */
async function throughput(system: System, work: WorkName, runs: number): Promise<number> {
  let left = runs;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await system.run(work, KILOBYTE);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return (runs * 1_000) / (performance.now() - startedAt);
}

function perHop(run: MeasuredRun, from: number, to: number, hops: number): number {
  return span(run, from, to) / hops;
}

/** Milliseconds between two stamps of a run, by their positions. */
function span({ stamps }: MeasuredRun, from: number, to: number): number {
  return (stamps[to] ?? Number.NaN) - (stamps[from] ?? Number.NaN);
}

async function inSequence<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let time = 0; time < times; time += 1) results.push(await work());
  return results;
}

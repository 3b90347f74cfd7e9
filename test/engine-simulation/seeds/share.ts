/** What one thread of `batch.ts` does. */
import { parentPort } from "node:worker_threads";
import type { Share, Tally } from "./batch.ts";
import type { Fault } from "../../../src/testing/ground/faults.ts";
import type { Live } from "../../../src/testing/ground/ground.ts";

const PROGRESS_EVERY = 50;

function tell(message: number | Tally): void {
  // A thread has no origin; the rule means windows.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(message);
}

/** Lives through the seeds of the share until one breaks an invariant, and tells the thread that began this one. */
export async function liveThrough(share: Share, live: Live): Promise<void> {
  tell(await tallyOf(share, live));
}

/** The same in this thread. */
export async function tallyOf({ from, seeds, step, limits, forMs }: Omit<Share, "worker">, live: Live): Promise<Tally> {
  let [events, faults, runs, tasks] = [0, 0, 0, 0];
  const kinds = new Set<Fault>();
  const endsAt = performance.now() + forMs;
  for (let done = 0; done < seeds; done += 1) {
    if (performance.now() > endsAt) return { seeds: done, events, faults, kinds, runs, tasks, failures: [] };
    const seed = from + done * step;
    const outcome = await live(seed, limits);
    events += outcome.events;
    faults += outcome.faults;
    runs += outcome.runs;
    tasks += outcome.tasks;
    for (const kind of outcome.kinds) kinds.add(kind);
    if ((done + 1) % PROGRESS_EVERY === 0) tell(PROGRESS_EVERY);
    if (outcome.violation !== null)
      return {
        seeds: done + 1,
        events,
        faults,
        kinds,
        runs,
        tasks,
        failures: [{ seed, violation: outcome.violation }],
      };
  }
  return { seeds, events, faults, kinds, runs, tasks, failures: [] };
}

/** What one thread of `batch.ts` does. */
import { parentPort } from "node:worker_threads";
import { addCosts, newCosts, type Failure, type Share, type Tally } from "./batch.ts";
import type { Fault } from "../../../src/testing/ground/faults.ts";
import type { Live } from "../../../src/testing/ground/ground.ts";

const PROGRESS_EVERY = 50;
/** A world of at most so many events is an ordinary one: more than nine of ten are. */
const ORDINARY_EVENTS = 3_000;

function tell(message: number | Tally): void {
  // A thread has no origin; the rule means windows.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(message);
}

/** Lives through the seeds of the share until as many as it says have broken an invariant, and tells the thread that began this one. */
export async function liveThrough(share: Share, live: Live): Promise<void> {
  tell(await tallyOf(share, live));
}

/** The same in this thread. */
export async function tallyOf(
  { from, seeds, step, limits, forMs, failures: mostFailures }: Omit<Share, "worker">,
  live: Live,
): Promise<Tally> {
  const kinds = new Set<Fault>();
  const failures: Failure[] = [];
  const [all, ordinary] = [newCosts(), newCosts()];
  let [faults, runs, tasks] = [0, 0, 0];
  const endsAt = performance.now() + forMs;
  while (all.seeds < seeds && failures.length < mostFailures && performance.now() <= endsAt) {
    const seed = from + all.seeds * step;
    const before = process.threadCpuUsage();
    const outcome = await live(seed, limits);
    const { user, system } = process.threadCpuUsage(before);
    const cpuMs = (user + system) / 1_000;
    const costs = { seeds: 1, events: outcome.events, cpuMs, cpuMsOfEach: [cpuMs] };
    addCosts(all, costs);
    if (outcome.events <= ORDINARY_EVENTS) addCosts(ordinary, costs);
    faults += outcome.faults;
    runs += outcome.runs;
    tasks += outcome.tasks;
    for (const kind of outcome.kinds) kinds.add(kind);
    if (all.seeds % PROGRESS_EVERY === 0) tell(PROGRESS_EVERY);
    if (outcome.violation !== null) failures.push({ seed, violation: outcome.violation });
  }
  return { ...all, ordinary, faults, kinds, runs, tasks, failures };
}

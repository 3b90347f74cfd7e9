/** The share of one thread of `batch.ts`. */
import { parentPort } from "node:worker_threads";
import { addCosts, FAILED, newCosts, TAKEN, type Failure, type Share, type Tally } from "./batch.ts";
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

/** Lives through seeds that no other thread has taken, until none is left or as many as the share says have broken an invariant, and tells the thread that began this one. */
export async function liveThrough(share: Share, live: Live): Promise<void> {
  tell(await tallyOf(share, live));
}

/** The same in this thread. */
export async function tallyOf(
  { from, seeds, limits, forMs, failures: mostFailures, counts }: Omit<Share, "worker">,
  live: Live,
): Promise<Tally> {
  const kinds = new Set<Fault>();
  const failures: Failure[] = [];
  const [all, ordinary] = [newCosts(), newCosts()];
  let [faults, runs, tasks] = [0, 0, 0];
  const endsAt = performance.now() + forMs;
  // A seed that was taken is lived through: so the first that fails is always among those that are told.
  while (Atomics.load(counts, FAILED) < mostFailures && performance.now() <= endsAt) {
    const place = Atomics.add(counts, TAKEN, 1);
    if (place >= seeds) break;
    const seed = from + place;
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
    if (outcome.violation === null) continue;
    failures.push({ seed, violation: outcome.violation });
    Atomics.add(counts, FAILED, 1);
  }
  return { ...all, ordinary, faults, kinds, runs, tasks, failures };
}

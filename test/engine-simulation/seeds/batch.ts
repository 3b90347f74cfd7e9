/**
 * Runs many seeds on all given threads. Each thread takes the next free seed, so no thread is idle while seeds are
 * left. All threads stop after the first failing seed, after a given number of failing seeds, or when the time is up.
 */
import { Worker } from "node:worker_threads";
import type { Fault } from "../../../src/testing/ground/faults.ts";
import type { Limits, Violation } from "../../../src/testing/ground/ground.ts";

/** The file that lives through seeds in a thread, and the worker's code that its worlds run. */
export interface Thread {
  readonly file: URL;
  readonly worker: string;
}

export interface Share {
  readonly worker: string;
  /** Of all threads together, as the others below. */
  readonly from: number;
  readonly seeds: number;
  readonly limits: Limits;
  /** No seed begins after it. */
  readonly forMs: number;
  /** No seed begins after so many have broken an invariant. */
  readonly failures: number;
  /** In memory that all threads share. */
  readonly counts: SharedCounts;
}

/** How many seeds were taken, and how many have broken an invariant: the places of the counts. */
export const [TAKEN, FAILED] = [0, 1];
export type SharedCounts = Int32Array<SharedArrayBuffer>;

export function newSharedCounts(): SharedCounts {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** Which seeds, in which worlds. */
export interface Batch {
  readonly from: number;
  readonly seeds: number;
  readonly limits: Limits;
  readonly threads: number;
  /** No seed begins after it; absent: they take as long as they take. */
  readonly forMs?: number;
  /** No seed begins after so many have broken an invariant; absent: one. */
  readonly failures?: number;
}

/** How many worlds there were, and what they took. */
export interface Costs {
  seeds: number;
  events: number;
  /** The time of the processor that the threads themselves have taken. Milliseconds. */
  cpuMs: number;
  /** The same of each world. */
  readonly cpuMsOfEach: number[];
}

export function newCosts(): Costs {
  return { seeds: 0, events: 0, cpuMs: 0, cpuMsOfEach: [] };
}

export function addCosts(to: Costs, { seeds, events, cpuMs, cpuMsOfEach }: Readonly<Costs>): void {
  to.seeds += seeds;
  to.events += events;
  to.cpuMs += cpuMs;
  for (const ms of cpuMsOfEach) to.cpuMsOfEach.push(ms);
}

/** A seed that has broken an invariant. */
export interface Failure {
  readonly seed: number;
  readonly violation: Violation;
}

/** What became of a share, or of all of them. */
export interface Tally extends Readonly<Costs> {
  /** Of those worlds that are ordinary ones. */
  readonly ordinary: Readonly<Costs>;
  readonly faults: number;
  readonly kinds: ReadonlySet<Fault>;
  readonly runs: number;
  readonly tasks: number;
  readonly failures: readonly Failure[];
}

/** Lives through the seeds `from` to `from + seeds - 1` in these worlds; `onProgress` is told how many are done, now and then. */
export async function simulateSeeds(
  thread: Thread,
  { from, seeds, limits, threads, forMs = Number.POSITIVE_INFINITY, failures = 1 }: Batch,
  onProgress: (done: number) => void = () => {},
): Promise<Tally> {
  let done = 0;
  const share = { worker: thread.worker, from, seeds, limits, forMs, failures, counts: newSharedCounts() };
  const tallies = await Promise.all(
    Array.from({ length: threads }, () =>
      runShare(thread.file, share, (more) => {
        done += more;
        onProgress(done);
      }),
    ),
  );
  return tallies.reduce(add);
}

/** Lives through a share in a thread of its own. */
function runShare(file: URL, share: Share, onProgress: (more: number) => void = () => {}): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, {
      workerData: share,
      execArgv: ["--no-warnings"],
    });
    worker.on("message", (message: number | Tally) =>
      typeof message === "number" ? onProgress(message) : resolve(message),
    );
    worker.on("error", reject);
    worker.on("exit", (code) => reject(new Error(`a thread of the simulation ended early with code ${code}`)));
  });
}

function add(a: Tally, b: Tally): Tally {
  const [all, ordinary] = [newCosts(), newCosts()];
  for (const tally of [a, b]) {
    addCosts(all, tally);
    addCosts(ordinary, tally.ordinary);
  }
  return {
    ...all,
    ordinary,
    faults: a.faults + b.faults,
    kinds: new Set([...a.kinds, ...b.kinds]),
    runs: a.runs + b.runs,
    tasks: a.tasks + b.tasks,
    failures: [...a.failures, ...b.failures].toSorted((one, other) => one.seed - other.seed),
  };
}

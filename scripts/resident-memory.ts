/** Measures the peak of resident memory of a runtime's processes, as Linux reports it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** True if this system reports the figures; only Linux does. */
export const TELLS_MEMORY = existsSync("/proc/self/clear_refs");

/** The growth of memory since a point in time. */
export class ResidentMemory {
  readonly #pids: readonly number[];
  readonly #resident = new Map<number, number>();

  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  /** Starts a new measurement of `grown`. */
  forgetGrowth(): void {
    // The value 5 resets the peak to the current size (proc_pid_clear_refs(5)).
    for (const pid of this.#pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
    for (const pid of this.#pids) this.#resident.set(pid, mostResident(pid));
  }

  /** Returns the peak growth since `forgetGrowth` in bytes, of the process that grew most. */
  grown(): number {
    return Math.max(...this.#pids.map((pid) => mostResident(pid) - (this.#resident.get(pid) ?? 0)));
  }
}

/**
 * Finds the workerd processes of a runtime, which hold the worker and locally also R2 and the rest
 * of the platform. Empty on systems that do not report them.
 */
export function workerdsOf(pids: readonly number[]): readonly number[] {
  return pids.filter((pid) => {
    const path = `/proc/${pid}/comm`;
    return existsSync(path) && readFileSync(path, "utf8").trim() === "workerd";
  });
}

function mostResident(pid: number): number {
  const [, kilobytes] =
    /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

/** What the processes of a runtime have resident at most, as Linux tells it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** Whether this machine tells: Linux does. */
export const TELLS_MEMORY = existsSync("/proc/self/clear_refs");

/** The growth of workerd, in which the worker, and locally R2 and the rest of the platform, live. */
export class ResidentMemory {
  readonly #workerds: readonly number[];
  readonly #resident = new Map<number, number>();

  constructor(pids: readonly number[]) {
    this.#workerds = pids.filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "workerd");
  }

  /** Begins to measure `grown` anew. */
  forgetGrowth(): void {
    // 5: the high water mark becomes what is resident now (proc_pid_clear_refs(5)).
    for (const pid of this.#workerds) writeFileSync(`/proc/${pid}/clear_refs`, "5");
    for (const pid of this.#workerds) this.#resident.set(pid, mostResident(pid));
  }

  /** Bytes by which the process that grew most has grown at most, since `forgetGrowth`. */
  grown(): number {
    return Math.max(...this.#workerds.map((pid) => mostResident(pid) - (this.#resident.get(pid) ?? 0)));
  }
}

function mostResident(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

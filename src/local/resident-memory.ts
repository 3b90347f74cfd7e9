/** What the processes of a runtime have resident at most, as Linux tells it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** Whether this machine tells: Linux does. */
export const TELLS_MEMORY = existsSync("/proc/self/clear_refs");

export class ResidentMemory {
  readonly #pids: readonly number[];
  readonly #resident = new Map<number, number>();

  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  /** Begins to measure `grown` anew. */
  forgetGrowth(): void {
    // 5: the high water mark becomes what is resident now (proc_pid_clear_refs(5)).
    for (const pid of this.#pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
    for (const pid of this.#pids) this.#resident.set(pid, mostResident(pid));
  }

  /** Bytes by which the process that grew most has grown at most, since `forgetGrowth`. */
  grown(): number {
    return Math.max(...this.#pids.map((pid) => mostResident(pid) - (this.#resident.get(pid) ?? 0)));
  }
}

/** The processes in which a runtime's worker, and locally R2 and the rest of the platform, live. None where the system does not tell. */
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

/**
 * Reads from Linux how long processes had a CPU, and how long processes waited for a CPU. A wait is
 * the machine's time, not the program's: another process had the CPU.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";

/** Milliseconds on a CPU, and milliseconds of waiting for a CPU, since the start of a process. */
export interface CpuTimes {
  readonly busyMs: number;
  readonly waitMs: number;
}

/** True if this system reports the times; only Linux does. */
const TELLS_CPU = existsSync("/proc/self/schedstat");
const NANOSECONDS_PER_MS = 1e6;
const buffer = Buffer.alloc(128);

/** The main threads of some processes. The files stay open, so a reading takes microseconds. */
export class CpuClock {
  readonly #files: readonly number[];

  /** Opens the files of these processes; none on a system that does not report the times. */
  constructor(pids: readonly (number | "self")[]) {
    this.#files = TELLS_CPU ? pids.map((pid) => openSync(`/proc/${pid}/schedstat`, "r")) : [];
  }

  /** Returns the sums over the processes. */
  read(): CpuTimes {
    let [busy, wait] = [0, 0];
    for (const file of this.#files) {
      const length = readSync(file, buffer, 0, buffer.length, 0);
      const [ran = 0, waited = 0] = buffer.toString("latin1", 0, length).split(" ").map(Number);
      busy += ran;
      wait += waited;
    }
    return { busyMs: busy / NANOSECONDS_PER_MS, waitMs: wait / NANOSECONDS_PER_MS };
  }

  close(): void {
    for (const file of this.#files) closeSync(file);
  }
}

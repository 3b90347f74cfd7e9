/**
 * Asks `/healthz` again and again, and tells how long it took to answer at most: in time, and in what the runtime computed meanwhile.
 * The second is the same on a machine that is busy with something else.
 */
import { existsSync, readFileSync } from "node:fs";

const PAUSE_MS = 50;
const GIVEN_UP_MS = 60_000;
/** What Linux counts in. */
const TICKS_PER_SECOND = 100;

export class HealthWatch {
  readonly #url: string;
  readonly #pids: readonly number[];
  readonly #done: Promise<void>;
  #isOver = false;
  #slowestMs = 0;
  #failure: string | null = null;

  constructor({ url, pids }: { readonly url: string; readonly pids: readonly number[] }) {
    this.#url = `${url}/healthz`;
    this.#pids = pids;
    this.#done = this.#ask();
  }

  /** The longest wait, of what the busiest process of the runtime computed in it, or of all of it where that is not told. Milliseconds. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** Why it was not answered, once; null if it was each time. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Once the request that is on its way is answered. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }

  async #ask(): Promise<void> {
    while (!this.#isOver) {
      const at = performance.now();
      const computed = this.#pids.map(computedMs);
      try {
        const answer = await fetch(this.#url, { signal: AbortSignal.timeout(GIVEN_UP_MS) });
        await answer.body?.cancel();
        if (answer.status !== 200) this.#failure = `it answered ${answer.status}`;
      } catch (error) {
        this.#failure = String(error);
      }
      const waited = performance.now() - at;
      const busiest = Math.max(
        ...this.#pids.map((pid, index) => computedMs(pid) - (computed[index] ?? 0)),
      );
      this.#slowestMs = Math.max(
        this.#slowestMs,
        Number.isFinite(busiest) ? Math.min(waited, busiest) : waited,
      );
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** What the process has computed since it began; infinite where the system does not tell, or it is gone. */
function computedMs(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return Number.POSITIVE_INFINITY;
  // Behind the name, which may have anything in it.
  const fields = readFileSync(path, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000;
}

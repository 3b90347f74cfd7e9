/**
 * Polls `/healthz` and records the longest time to an answer: in wall time, and in CPU time of the
 * runtime. CPU time is independent of other load on the machine.
 */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

const PAUSE_MS = 50;
const GIVEN_UP_MS = 60_000;
/** Linux clock ticks. */
const TICKS_PER_SECOND = 100;

export class HealthWatch {
  readonly #url: string;
  readonly #pids: readonly number[];
  readonly #done: Promise<void>;
  readonly #over = new AbortController();
  #slowestMs = 0;
  #failure: string | null = null;

  constructor({ url, pids }: { readonly url: string; readonly pids: readonly number[] }) {
    this.#url = `${url}/healthz`;
    this.#pids = pids;
    this.#done = this.#ask();
  }

  /**
   * The longest wait in milliseconds: the CPU time of the busiest process of the runtime during the
   * wait, or wall time where CPU time is unknown.
   */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** The first failure; null if every call was answered. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Stops after the current request is answered, or at once between two requests. */
  async stop(): Promise<void> {
    this.#over.abort();
    await this.#done;
  }

  async #ask(): Promise<void> {
    while (!this.#over.signal.aborted) {
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
      await setTimeout(PAUSE_MS, null, { signal: this.#over.signal }).catch(() => null);
    }
  }
}

/** CPU time of the process since its start, in milliseconds; infinite if unknown. */
function computedMs(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return Number.POSITIVE_INFINITY;
  // Fields after the name, which may contain anything.
  const fields = readFileSync(path, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000;
}

/**
 * Checks invariant 14 for queue messages: late is not lost. A run that no driver has begun has sent one message, unless
 * a fault lost the message or another fault struck.
 */
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Watcher } from "../watcher.ts";

export class MessageCheck {
  readonly #ground: Ground;
  readonly #watcher: () => Watcher;
  /** Messages of runs that nobody has begun. */
  readonly #sent = new Map<string, number>();

  /** Only of worlds whose consumers stand still: elsewhere a limit, a pause or a deploy is a reason for another one. */
  constructor(ground: Ground, watcher: () => Watcher) {
    this.#ground = ground;
    this.#watcher = watcher;
  }

  taken(body: unknown, isLost: boolean): void {
    if (typeof body !== "object" || body === null || !("run_id" in body) || typeof body.run_id !== "string") return;
    const { run_id: runId } = body;
    const seen = [...this.#watcher().runs.values()].find((one) => one.runId === runId);
    if (isLost || this.#ground.faults.struck > 0 || (seen?.run.started_at ?? null) !== null) return;
    const count = (this.#sent.get(runId) ?? 0) + 1;
    this.#sent.set(runId, count);
    const mayDo = seen?.run.tasks.filter(({ status }) => status === "queued").length ?? 1;
    if (count > Math.max(1, mayDo))
      this.#ground.violate("14 late is not lost", `${runId} has sent ${count} messages, and nothing was lost`);
  }
}

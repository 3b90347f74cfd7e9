/**
 * The driver as an entrypoint of this worker, called over a loopback binding (`ctx.exports`): a fresh invocation with a life of
 * its own. It answers once it has claimed and goes on in `waitUntil`, so its caller, the consumer of the queue, ends within
 * milliseconds; a consumer that waited for tasks would hold up the runs of its batch, and those behind it.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { RunId } from "../../domain/ids.ts";
import { driveRun } from "../../worker/wiring.ts";

export class DriverEntrypoint extends WorkerEntrypoint<Env> {
  /**
   * Starts driving the run, for the message that was sent at `sentAt` (epoch ms; null: it has come before). Resolves once what it may do is leased to it, rejects if
   * the run cannot be reached. What goes wrong later is found by the run's own alarm.
   */
  async drive(runId: RunId, sentAt: number | null): Promise<void> {
    const { promise: claimed, resolve, reject } = Promise.withResolvers<void>();
    this.ctx.waitUntil(
      driveRun(this.env, runId, { sentAt, onClaimed: resolve }).catch((error: unknown) => {
        console.error(
          JSON.stringify({
            message: "a driver gave its run up; leases and alarm take over",
            run: runId,
            error: String(error),
          }),
        );
        reject(error);
      }),
    );
    return claimed;
  }
}

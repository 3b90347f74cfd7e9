/**
 * The driver as an entrypoint of the worker, called over a loopback binding (`ctx.exports`): a
 * fresh invocation with a lifetime of its own. Answers after its first claim and continues in
 * `waitUntil`; the caller, the queue consumer, ends within milliseconds. A consumer waiting for
 * tasks would block the runs of its batch and all batches behind.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { RunId } from "../domain/ids.ts";
import { deployed } from "./deployed.ts";
import { ownEnv } from "./own-env.ts";
import { log } from "../platform/log.ts";

export class DriverEntrypoint extends WorkerEntrypoint {
  /**
   * Starts to drive the run for the message sent at `sentAt` (epoch ms; null for a repeated
   * delivery). Resolves once the first claim is answered; rejects if the run cannot be reached.
   * Later failures are repaired by the run's own alarm.
   */
  async drive(runId: RunId, sentAt: number | null): Promise<void> {
    const { promise: claimed, resolve, reject } = Promise.withResolvers<void>();
    this.ctx.waitUntil(
      deployed()
        .driveRun(ownEnv(this.env, this.ctx.exports), runId, { sentAt, onClaimed: resolve })
        .catch((error: unknown) => {
          log("error", "a driver gave its run up; leases and alarm take over", {
            run_id: runId,
            error,
          });
          reject(error);
        }),
    );
    return claimed;
  }
}

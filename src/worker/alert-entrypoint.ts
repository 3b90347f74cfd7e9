/**
 * Triggers the `on_failure` task: an entrypoint of the worker that run objects call over a loopback
 * binding, since a run object knows its own graph but not the deployment. May be called twice for
 * one failure: the idempotency key makes both calls one run.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import { alertKey } from "../domain/trigger-key.ts";
import { encodePayload } from "../payloads/codec.ts";
import type { Alert } from "../objects/run/alert-rpc.ts";
import { deployed } from "./deployed.ts";
import { ownEnv } from "./own-env.ts";
import { log } from "../platform/log.ts";

export class AlertEntrypoint extends WorkerEntrypoint {
  /**
   * Resolves once the alert's run is recorded, or if it can never be recorded (the task is gone, or
   * refuses the summary), which is logged. Rejects if the infrastructure fails.
   */
  async raise({ task: named, runId, nth, depth, summary }: Alert): Promise<void> {
    const { acceptTrigger, plan } = deployed();
    // The `on_failure` task at the time of acceptance, or, if a deploy has renamed it since, the
    // present one.
    const task = Object.hasOwn(plan.tasks, named) ? named : plan.onFailure;
    if (task === null)
      return this.#giveUp(runId, `on_failure names "${named}", which is not deployed any more`);
    const payload = encodePayload(summary);
    if (!payload.ok) throw new Error(payload.problem.detail);
    const by = summary.failed_tasks[0]?.task ?? summary.task;
    const accepted = await acceptTrigger(ownEnv(this.env, this.ctx.exports), this.ctx, {
      task,
      payload: payload.value,
      idempotencyKey: alertKey(runId, summary.created_at, nth),
      origin: { source: "task", by, parent: { runId, task: by }, depth: depth + 1 },
    });
    if (accepted.ok) return undefined;
    const { code, detail } = accepted.problem;
    if (code === "overloaded") throw new Error(detail);
    return this.#giveUp(runId, detail);
  }

  #giveUp(run: string, reason: string): void {
    log("error", "nobody was told that a run failed", { run_id: run, reason });
  }
}

/**
 * The one object that knows which tasks are paused. Gives storage, clock, alarm and runs to the
 * decisions in `pauses-controller.ts`.
 */
import { DurableObject } from "cloudflare:workers";
import type { RunId } from "../../domain/ids.ts";
import { callRun } from "../run/run-client.ts";
import { PausesController } from "./pauses-controller.ts";
import type { PausesRpc, PausedTask } from "./pauses-rpc.ts";
import { writeCopy } from "./paused-copy.ts";
import { PausesStore } from "./store.ts";
import { log } from "../../platform/log.ts";

export class PausesObject extends DurableObject<Env> implements PausesRpc {
  readonly #controller = new PausesController(new PausesStore(this.ctx.storage), {
    now: () => Date.now(),
    setAlarm: (at) => this.ctx.storage.setAlarm(at),
    copy: (tasks) => writeCopy(this.env.PAYLOADS, tasks),
    waitUntil: (work) => this.ctx.waitUntil(work),
    resumed: (task, runId) => callRun(this.env, runId, (run) => run.resumed(task)),
    log: (message, error) => log("warn", message, { error }),
  });

  async paused(): Promise<readonly PausedTask[]> {
    return this.#controller.paused();
  }

  async pause(task: string, by: string): Promise<readonly PausedTask[]> {
    return this.#controller.pause(task, by);
  }

  async resume(task: string): Promise<readonly PausedTask[]> {
    return this.#controller.resume(task);
  }

  async awaitResume(task: string, runId: RunId): Promise<boolean> {
    return this.#controller.awaitResume(task, runId);
  }

  override async alarm(): Promise<void> {
    await this.#controller.alarm();
  }
}

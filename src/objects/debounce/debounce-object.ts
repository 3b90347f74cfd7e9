/**
 * The debounce window of one task and key, as an object of the platform (see
 * debounce-controller.ts).
 */
import { DurableObject } from "cloudflare:workers";
import type { RunId } from "../../domain/ids.ts";
import { callRun } from "../run/run-client.ts";
import { DebounceController } from "./debounce-controller.ts";
import type {
  DebounceRpc,
  KeyBinding,
  KeyRequest,
  WindowAnswer,
  WindowRequest,
} from "./debounce-rpc.ts";
import { KeyStore } from "./key-store.ts";
import { DebounceStore } from "./store.ts";
import { log } from "../../platform/log.ts";

export class DebounceObject extends DurableObject<Env> implements DebounceRpc {
  readonly #controller = new DebounceController(
    new DebounceStore(this.ctx.storage),
    new KeyStore(this.ctx.storage),
    {
      now: () => Date.now(),
      getAlarm: () => this.ctx.storage.getAlarm(),
      // Not awaited: the output gate holds answers back until the alarm is durable.
      setAlarm: (at) => this.ctx.waitUntil(this.ctx.storage.setAlarm(at)),
      isWaiting: async (runId) =>
        (await callRun(this.env, runId, (run) => run.describe()))?.started_at === null,
      log: (message, error) => log("warn", message, { object: this.ctx.id.name, error }),
    },
  );

  async window(request: WindowRequest): Promise<WindowAnswer> {
    return this.#controller.window(request);
  }

  async namedFor(key: string): Promise<RunId | null> {
    return this.#controller.namedFor(key);
  }

  async bindKey(request: KeyRequest): Promise<KeyBinding> {
    return this.#controller.bindKey(request);
  }

  override async alarm(): Promise<void> {
    await this.#controller.alarm();
  }
}

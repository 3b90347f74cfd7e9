/** One call of an endpoint, as helpers see it. */
import type { EndpointContext, TaskLog, TriggeredRun, TriggerOptions } from "./author-api.ts";
import { triggerTask, type TriggerPort } from "./triggering.ts";

export class EndpointScope implements EndpointContext {
  readonly kind = "endpoint";
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly log: TaskLog;
  readonly #port: TriggerPort;
  readonly #triggered: { readonly run_id: string; readonly task: string }[] = [];

  constructor(name: string, params: Readonly<Record<string, string>>, log: TaskLog, port: TriggerPort) {
    this.name = name;
    this.params = params;
    this.log = log;
    this.#port = port;
  }

  get env(): Env {
    return this.#port.env;
  }

  /** What this call has triggered so far: the answer of an endpoint that returns undefined. */
  get triggered(): readonly { readonly run_id: string; readonly task: string }[] {
    return this.#triggered;
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#port.lifetime.waitUntil(promise);
  }

  async triggerTaskWithEvent(task: string, payload?: unknown, options?: TriggerOptions): Promise<TriggeredRun> {
    const origin = { source: "endpoint", by: this.name, parent: null } as const;
    const run = await triggerTask(this.#port, { task, payload, idempotencyKey: options?.idempotencyKey ?? null, origin });
    this.#triggered.push({ run_id: run.runId, task });
    return run;
  }
}

/** One call of an endpoint, as its author and the helpers see it. */
import type { RunId } from "../core/ids.ts";
import { AttemptLog } from "./attempt-log.ts";
import type { EndpointContext, TaskLog, TriggeredRun, TriggerOptions } from "./author-api.ts";
import { triggerTask, type TriggerPort } from "./triggering.ts";

/** What the HTTP edge knows of the call. */
export interface EndpointCall {
  readonly name: string;
  /** The `:params` of its url, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** To be told of each run that the endpoint triggers. */
  readonly triggered: (run: { readonly runId: RunId; readonly task: string }) => void;
}

export class EndpointScope implements EndpointContext {
  readonly kind = "endpoint";
  readonly log: TaskLog;
  readonly #call: EndpointCall;
  readonly #port: TriggerPort;

  constructor(call: EndpointCall, port: TriggerPort) {
    this.#call = call;
    this.#port = port;
    this.log = new AttemptLog({ endpoint: call.name, request_id: call.requestId });
  }

  get name(): string {
    return this.#call.name;
  }

  get params(): Readonly<Record<string, string>> {
    return this.#call.params;
  }

  get env(): Env {
    return this.#port.env;
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#port.lifetime.waitUntil(promise);
  }

  async triggerTaskWithEvent(task: string, payload?: unknown, options?: TriggerOptions): Promise<TriggeredRun> {
    const origin = { source: "endpoint", by: this.name, parent: null } as const;
    const run = await triggerTask(this.#port, {
      task,
      payload,
      idempotencyKey: options?.idempotencyKey ?? null,
      origin,
    });
    this.#call.triggered({ runId: run.runId, task });
    return run;
  }
}

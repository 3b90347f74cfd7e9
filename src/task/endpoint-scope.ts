/** One call of an endpoint, as its author and the helpers see it. */
import type { DeliveryRun } from "../core/delivery.ts";
import { deliveryTriggerKey, eventKey } from "../core/ids.ts";
import { spanOf } from "../core/trace.ts";
import { AttemptLog } from "./attempt-log.ts";
import type {
  EmitOptions,
  EmitResult,
  EndpointContext,
  OpenedObject,
  TaskLog,
  TriggerOptions,
  TriggeredRun,
} from "./author-api.ts";
import { bindMethods } from "./bind-methods.ts";
import { openObjectAt } from "./open-object.ts";
import { emitNamedEvent, triggerTask, type TriggerPort } from "./triggering.ts";

/** What the HTTP edge knows of the call. */
export interface EndpointCall {
  readonly name: string;
  /** The `:params` of its url, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** `replay`: a recorded delivery that somebody sends again. */
  readonly source: "endpoint" | "replay";
  /** What its sender calls this delivery, each time it is sent; null if the endpoint's `auth` knows no such id. */
  readonly delivery: { readonly id: string; readonly isFallback: boolean } | null;
  /** The trace that the call belongs to; absent: none. */
  readonly traceparent?: string;
  /** To be told of each run that the endpoint triggers. */
  readonly triggered: (run: DeliveryRun) => void;
}

export class EndpointScope implements EndpointContext {
  readonly kind = "endpoint";
  readonly log: TaskLog;
  readonly #call: EndpointCall;
  readonly #port: TriggerPort;
  readonly #ordinals = new Map<string, number>();
  #spanOfTrace: string | null = null;

  static {
    bindMethods(this.prototype, ["waitUntil", "triggerTaskWithEvent", "emitEvent", "openObject"]);
  }

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

  /** The call's own span of the trace that it belongs to; null: of none. */
  get traceparent(): string | null {
    const { traceparent } = this.#call;
    if (traceparent === undefined) return null;
    return (this.#spanOfTrace ??= spanOf(traceparent, crypto.getRandomValues(new Uint8Array(8))));
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#port.lifetime.waitUntil(promise);
  }

  async triggerTaskWithEvent(task: string, payload?: unknown, options?: TriggerOptions): Promise<TriggeredRun> {
    const { source, delivery, name: endpoint } = this.#call;
    const ordinal = this.#ordinals.get(task) ?? 0;
    this.#ordinals.set(task, ordinal + 1);
    // A delivery that is sent again finds the runs that it has triggered before.
    const derived = delivery === null ? null : deliveryTriggerKey({ endpoint, ...delivery }, task, ordinal);
    const origin = { source, by: endpoint, parent: null, ...this.#span() };
    const run = await triggerTask(this.#port, { task, payload, options, derivedKey: derived, origin });
    this.#call.triggered({ runId: run.runId, task, deduplicated: run.deduplicated });
    return run;
  }

  openObject(s3Uri: string): Promise<OpenedObject> {
    return openObjectAt(this.#port.env, this.#port.plan, s3Uri);
  }

  async emitEvent(name: string, payload?: unknown, options?: EmitOptions): Promise<EmitResult> {
    const { delivery, name: endpoint } = this.#call;
    // No task can be called so: the name of an event and that of a task are never taken for each other.
    const target = `event:${name}`;
    const ordinal = this.#ordinals.get(target) ?? 0;
    this.#ordinals.set(target, ordinal + 1);
    const derived = delivery === null ? null : deliveryTriggerKey({ endpoint, ...delivery }, target, ordinal);
    const key = options?.idempotencyKey;
    const idempotencyKey = key === undefined ? derived : eventKey(name, key);
    const runs = await emitNamedEvent(this.#port, { name, payload, idempotencyKey, parent: null, ...this.#span() });
    for (const run of runs) this.#call.triggered(run);
    return { runs: runs.map(({ runId, task }) => ({ runId, task })) };
  }

  /** Of what it triggers. */
  #span(): { readonly traceparent?: string } {
    const { traceparent } = this;
    return traceparent === null ? {} : { traceparent };
  }
}

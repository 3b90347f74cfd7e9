/** One call of an endpoint, as its author and the helpers see it. */
import type { Actor } from "../../domain/actor.ts";
import type { DeliveryRun } from "../../domain/delivery.ts";
import { spanOf } from "../../domain/trace.ts";
import {
  deliveryTriggerKey,
  endpointKey,
  eventKey,
  type TriggerKey,
} from "../../domain/trigger-key.ts";
import type { VectorsRpc } from "../../objects/vectors/vectors-rpc.ts";
import type { Recommendation } from "./recommendation-claims.ts";
import type { Params } from "../../domain/recommendations/params.ts";
import { AttemptLog } from "../attempt/log.ts";
import type {
  EmitOptions,
  ComponentContext,
  EmitResult,
  EndpointContext,
  OpenedObject,
  TaskLog,
  TriggerOptions,
  TriggeredRun,
} from "./api.ts";
import { bindMethods } from "./bind-methods.ts";
import { DeliveryTurns } from "./delivery-turns.ts";
import type { ComponentFunction, EndpointFunction } from "./method.ts";
import { openObjectAt } from "./open-object.ts";
import { OpenResources } from "./open-resources.ts";
import { PendingTriggers, withTriggers } from "./pending-triggers.ts";
import { pipelineEnv, type PipelineEnv } from "./pipeline-env.ts";
import { countVerifiedClick, verifyRecommendationToken } from "./recommendation-token.ts";
import { emitNamedEvent, triggerTask, type TriggerHost } from "./trigger-calls.ts";
import { keyIn } from "./trigger-options.ts";

/** The HTTP edge's knowledge of the call. */
export interface EndpointCall {
  readonly name: string;
  /** The `:params` of the endpoint's URL, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** `replay`: a recorded delivery, sent again by a user. */
  readonly source: "endpoint" | "replay";
  /**
   * The sender's id of this delivery, the same each time the delivery is sent. Null if the
   * endpoint's `auth` knows no delivery ids.
   */
  readonly delivery: { readonly id: string; readonly isFallback: boolean } | null;
  /** The caller, or the user who replays the delivery; absent if unknown. */
  readonly actor?: Actor;
  /** The trace of the call; absent without tracing. */
  readonly traceparent?: string;
  /** Registers work for the moment when the answer is too late and is not waited for any more. */
  readonly whenLate?: (work: () => void) => void;
  /** Called for each run that the endpoint triggers. */
  readonly triggered: (run: DeliveryRun) => void;
}

/** A call of a component, or of the fallback of a recommendation endpoint. */
export interface ComponentCall extends EndpointCall {
  readonly component: string;
  /** Aborted when the component's timeout is over; may be made on demand. */
  readonly signal: AbortSignal;
}

export class EndpointScope implements EndpointContext {
  readonly kind = "endpoint";
  readonly log: TaskLog;
  readonly #call: EndpointCall;
  readonly #host: TriggerHost;
  readonly #turns = new DeliveryTurns();
  /** Connections of the call, closed once the method and its `waitUntil` have ended. */
  readonly resources = new OpenResources();
  /** The method, and each promise of `waitUntil`, while it is under way. */
  #underWay = 0;
  #spanOfTrace: string | null = null;
  #triggers: PendingTriggers | null = null;

  static {
    bindMethods(this.prototype, ["waitUntil", "triggerTaskWithEvent", "emitEvent", "openObject"]);
  }

  constructor(call: EndpointCall, host: TriggerHost) {
    this.#call = call;
    this.#host = host;
    this.log = new AttemptLog({ endpoint: call.name, request_id: call.requestId });
    call.whenLate?.(() => this.resources.close());
  }

  get name(): string {
    return this.#call.name;
  }

  get params(): Readonly<Record<string, string>> {
    return this.#call.params;
  }

  get env(): PipelineEnv {
    return pipelineEnv(this.#host.env);
  }

  /** The call's own span of its trace; null without a trace. */
  get traceparent(): string | null {
    const { traceparent } = this.#call;
    if (traceparent === undefined) return null;
    return (this.#spanOfTrace ??= spanOf(traceparent, crypto.getRandomValues(new Uint8Array(8))));
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#host.lifetime.waitUntil(promise);
    this.#underWay += 1;
    const ended = (): void => this.#oneEnded();
    promise.then(ended, ended);
  }

  /** The index of vectors with this name. */
  vectors(name: string): VectorsRpc {
    return this.#host.env.PEACH_VECTORS.getByName(name);
  }

  triggerTaskWithEvent(
    task: string,
    payload?: unknown,
    options?: TriggerOptions,
  ): Promise<TriggeredRun> {
    return this.#follow(this.#trigger(task, payload, options));
  }

  emitEvent(name: string, payload?: unknown, options?: EmitOptions): Promise<EmitResult> {
    return this.#follow(this.#emit(name, payload, options));
  }

  /**
   * Calls the endpoint's method and waits for the runs it triggers. An `env` imported by the method
   * is the same as `this.env`.
   */
  call(method: EndpointFunction, request: Request): Promise<unknown> {
    // The author's parameter has the types of the project; the object is the same.
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const own = method as (request: Request, endpoint: EndpointContext) => unknown;
    return this.during(() => own(request, this));
  }

  /** Verifies the token of a recommendation. Rejects with `InvalidRecommendationError`. */
  verifyRecommendation(token: string): Promise<Recommendation> {
    return verifyRecommendationToken(this.#host.env, token);
  }

  /** Counts a click on a recommendation. Rejects like `verifyRecommendation`. */
  countClick(token: string): Promise<Recommendation> {
    return countVerifiedClick(this.#host.env, this.#host.lifetime, token);
  }

  /** Runs the author's code, and waits for the runs it triggers. */
  protected async during(called: () => unknown): Promise<unknown> {
    const { withEnv } = this.#host;
    this.#underWay += 1;
    try {
      return await withTriggers(
        () => this.#triggers,
        () => (withEnv === undefined ? called() : withEnv(this.env, called)),
      );
    } finally {
      this.#oneEnded();
    }
  }

  #oneEnded(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.resources.close();
  }

  /** Keeps the trigger alive beyond the response, if the endpoint responds first. */
  #follow<T>(trigger: Promise<T>): Promise<T> {
    this.#triggers ??= new PendingTriggers();
    this.waitUntil(trigger.catch(() => undefined));
    return this.#triggers.follow(trigger);
  }

  async #trigger(
    task: string,
    payload: unknown,
    options: TriggerOptions | undefined,
  ): Promise<TriggeredRun> {
    const { source, name: endpoint } = this.#call;
    const own = keyIn(options);
    const origin = { source, by: endpoint, parent: null, ...this.#actor(), ...this.#span() };
    const given = own === undefined ? null : endpointKey(own);
    const run = await this.#keyed(task, payload, given, (key) =>
      triggerTask(this.#host, { task, payload, options, key, origin }),
    );
    this.#call.triggered({ runId: run.runId, task, deduplicated: run.deduplicated });
    return run;
  }

  openObject(s3Uri: string): Promise<OpenedObject> {
    const { env, plan } = this.#host;
    const open = plan.endpoints.find(({ name }) => name === this.name)?.open;
    return openObjectAt(env, plan, s3Uri, { place: `endpoints.${this.name}.open`, open });
  }

  async #emit(
    name: string,
    payload: unknown,
    options: EmitOptions | undefined,
  ): Promise<EmitResult> {
    const own = keyIn(options);
    // No task name contains a colon, so keys of events and of tasks never collide.
    const given = own === undefined ? null : eventKey(name, own);
    const runs = await this.#keyed(`event:${name}`, payload, given, (idempotencyKey) =>
      emitNamedEvent(this.#host, {
        name,
        payload,
        idempotencyKey,
        parent: null,
        ...this.#actor(),
        ...this.#span(),
      }),
    );
    for (const run of runs) this.#call.triggered(run);
    return { runs: runs.map(({ runId, task }) => ({ runId, task })) };
  }

  /**
   * Triggers with the author's key, or with a key of the delivery, so that a repeated delivery
   * finds the runs it has triggered before. The key of a delivery depends on the order of triggers,
   * not on their content: a payload may contain the time of the delivery.
   */
  async #keyed<T>(
    target: string,
    payload: unknown,
    own: TriggerKey | null,
    trigger: (key: TriggerKey | null) => Promise<T>,
  ): Promise<T> {
    const { delivery, name: endpoint } = this.#call;
    if (own !== null || delivery === null) return trigger(own);
    const nth = this.#turns.take(target, payload);
    try {
      return await trigger(deliveryTriggerKey({ endpoint, ...delivery }, target, nth));
    } catch (error) {
      this.#turns.refused(target, nth, payload);
      throw error;
    }
  }

  #actor(): Pick<EndpointCall, "actor"> {
    const { actor } = this.#call;
    return actor === undefined ? {} : { actor };
  }

  /** The trace context for triggered runs. */
  #span(): { readonly traceparent?: string } {
    const { traceparent } = this;
    return traceparent === null ? {} : { traceparent };
  }
}

/** One call of a component. */
export class ComponentScope extends EndpointScope implements ComponentContext {
  readonly component: string;
  readonly #signals: Pick<ComponentCall, "signal">;

  constructor(call: ComponentCall, host: TriggerHost) {
    super(call, host);
    this.component = call.component;
    this.#signals = call;
  }

  /** Read when the component asks: the signal may be made on demand. */
  get signal(): AbortSignal {
    return this.#signals.signal;
  }

  /** Calls the component, and waits for the runs it triggers. */
  compute(method: ComponentFunction, params: Params): Promise<unknown> {
    // The author's parameter has the types of peach.conf, by which the parameters were checked.
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const own = method as (params: Params, endpoint: ComponentContext) => unknown;
    return this.during(() => own(params, this));
  }
}

/**
 * The deployed pipeline: the compiled plan and methods of a project, and the functions made from
 * both. Code that runs tasks or accepts triggers is wired here; all other code takes the plan as an
 * argument.
 */
import { withEnvAndExports } from "cloudflare:workers";
import type { RunId } from "../domain/ids.ts";
import type { Plan } from "../domain/plan/plan.ts";
import type { Params } from "../domain/recommendations/params.ts";
import { FORMAT_VERSION } from "../domain/version.ts";
import { deploymentOf } from "../platform/deployment.ts";
import { ArrayIndexes } from "../payloads/array-indexes.ts";
import { ArrayReader } from "../payloads/array-reader.ts";
import { withPaused } from "../objects/pauses/pauses-client.ts";
import { queueWatch } from "../objects/run/queue-client.ts";
import { callRun } from "../objects/run/run-client.ts";
import { SessionClient } from "../objects/run/driver-session-client.ts";
import { readGrant } from "../objects/run/grant-text-rpc.ts";
import type { ClaimRequest, Grant, GrantText, Lease } from "../objects/run/lease-rpc.ts";
import type { Settlement } from "../objects/run/settlement-rpc.ts";
import { createAcceptTrigger } from "../triggers/trigger-acceptor.ts";
import type { AcceptTrigger } from "../triggers/accept.ts";
import { BackgroundWork, type Lifetime } from "../platform/lifetime.ts";
import type { AsAuthor } from "../triggers/check-input.ts";
import { createEmitEvent, type EmitEvent } from "../triggers/emit.ts";
import { createGate } from "../triggers/gate.ts";
import { runInScope } from "../execution/author/context.ts";
import { Deadlines } from "../execution/attempt/deadlines.ts";
import { drive, DRIVER_BUDGET_MS, newDriverId } from "../execution/driver/driver.ts";
import { DriverRoom } from "../triggers/driver-room.ts";
import {
  type ComponentCall,
  ComponentScope,
  type EndpointCall,
  EndpointScope,
} from "../execution/author/endpoint-scope.ts";
import { noteFailure } from "../execution/attempt/failure-notice.ts";
import { executeAttempt } from "../execution/attempt/run-attempt.ts";
import type {
  ComponentFunction,
  EndpointFunction,
  MethodRegistry,
} from "../execution/author/method.ts";
import { pipelineEnv, type WithEnv } from "../execution/author/pipeline-env.ts";
import type { TriggerHost } from "../execution/author/trigger-calls.ts";
import { ProgressReporter } from "../execution/driver/progress-reporter.ts";

/** The output of `npm run compile` for a project. */
export interface Project {
  /** The compiled peach.conf. */
  readonly plan: Plan;
  /** The functions named by the plan, and all further exports of the pipelines. */
  readonly methods: MethodRegistry;
}

/** The number of drivers that accepting invocations of this isolate may run at once. */
const ROOM = 64;

/** Only Peach's own objects are exported, so authors get no exports. */
const NO_EXPORTS = {};

/** Runs work with the bindings that it sees as `env` of `cloudflare:workers`. */
const withEnv: WithEnv = (env, work) => withEnvAndExports(env, NO_EXPORTS, work);

// `withEnv` returns the result of `work`.
// oxlint-disable-next-line typescript/consistent-type-assertions
const asAuthor: AsAuthor = <T>(env: Env, work: () => T) => withEnv(pipelineEnv(env), work) as T;

/** The start of a driver: with granted leases, or for a message of the queue. */
export type Beginning =
  | { readonly grant: Grant }
  /** `onClaimed` is called once the run object has answered the first claim. */
  | { readonly sentAt: number | null; readonly onClaimed: () => void };

/** The functions of one deployed project. */
export class Deployment {
  /** The compiled peach.conf. */
  readonly plan: Plan;
  /** The functions of the pipelines. */
  readonly registry: MethodRegistry;
  /** Accepts every trigger of this deployment. */
  readonly acceptTrigger: AcceptTrigger;
  /** Emits every event of this deployment. */
  readonly emitEvent: EmitEvent;
  /** The cache of arrays that drivers of this isolate have read. */
  readonly #indexes = new ArrayIndexes();

  constructor({ plan, methods: registry }: Project) {
    this.plan = plan;
    this.registry = registry;
    this.acceptTrigger = createAcceptTrigger({
      plan,
      registry,
      callRun,
      gate: createGate(queueWatch, new DriverRoom(ROOM), {
        now: () => Date.now(),
        wait: (ms) => scheduler.wait(ms),
      }),
      directClaim: { v: FORMAT_VERSION, holding: 0, budgetMs: DRIVER_BUDGET_MS },
      driveGrant: (env, runId, grant) => this.driveRun(env, runId, { grant }),
      asAuthor,
    });

    this.emitEvent = createEmitEvent({
      plan,
      registry,
      acceptTrigger: this.acceptTrigger,
      asAuthor,
    });
  }

  /**
   * Drives a run until nothing is left for this invocation. The caller passes the promise to
   * `waitUntil`.
   */
  async driveRun(env: Env, runId: RunId, beginning: Beginning): Promise<void> {
    const startedAt = Date.now();
    const background = new BackgroundWork();
    const budgetMs = (): number => DRIVER_BUDGET_MS - (Date.now() - startedAt);
    const lifetime: Lifetime = { waitUntil: background.waitUntil, budgetMs };
    using session = new SessionClient(env, runId);
    const deadlines = new Deadlines();
    const arrays = new ArrayReader(env.PAYLOADS, this.#indexes);
    const reports = new ProgressReporter(deadlines, (said) =>
      callRun(env, runId, (run) => run.report(said)),
    );
    const from = { v: FORMAT_VERSION, ...deploymentOf(env) };
    try {
      await drive(
        {
          id: newDriverId(),
          claim: async (request) => {
            const message =
              "sentAt" in beginning && beginning.sentAt !== null
                ? { sentAt: beginning.sentAt }
                : {};
            const asked = { ...request, ...message, ...from };
            const granted = await withPaused(env, asked, (known) =>
              session.call((run) => run.claim(known)),
            );
            if ("onClaimed" in beginning) beginning.onClaimed();
            return readGrant(granted);
          },
          settle: async ({ settlements, claim }) => {
            const settle = (known: ClaimRequest | null): Promise<GrantText> =>
              session.call((run) => run.settle({ v: FORMAT_VERSION, settlements, claim: known }));
            return readGrant(
              await (claim === null
                ? settle(null)
                : withPaused(env, { ...claim, ...from }, settle)),
            );
          },
          execute: (lease) => this.executeLease(env, lease, lifetime, deadlines, arrays, reports),
          budgetMs,
          pause: (ms) => scheduler.wait(ms),
        },
        "grant" in beginning ? beginning.grant : undefined,
      );
    } finally {
      deadlines.close();
      // Also for a driver that gives up: runs that the driver's tasks have started are driven in
      // here.
      await background.ended();
    }
  }

  /** Runs one attempt with this deployment's methods. */
  async executeLease(
    env: Env,
    lease: Lease,
    lifetime: Lifetime,
    deadlines: Deadlines,
    arrays = new ArrayReader(env.PAYLOADS, this.#indexes),
    reports?: ProgressReporter,
  ): Promise<Settlement> {
    const url = lease.url === undefined ? {} : { url: lease.url };
    const host = {
      env,
      lifetime,
      accept: this.acceptTrigger,
      emit: this.emitEvent,
      plan: this.plan,
      withEnv,
      ...url,
    };
    const startedAt = Date.now();
    const settlement = await executeAttempt(
      lease,
      this.registry,
      host,
      deadlines,
      arrays,
      reports,
      deploymentOf(env).deployment,
    );
    if (env.PEACH_LOCAL === "1") noteFailure(lease, settlement.outcome, Date.now() - startedAt);
    return settlement;
  }

  /** Calls an endpoint's method within the scope of its helpers. */
  callEndpoint(
    method: EndpointFunction,
    request: Request,
    call: EndpointCall & { readonly env: Env; readonly lifetime: Lifetime },
  ): unknown {
    const scope = new EndpointScope(call, this.#hostOf(call, request.url));
    return runInScope(scope, () => scope.call(method, request));
  }

  /** Calls a component of a recommendation endpoint within the scope of its helpers. */
  callComponent(
    method: ComponentFunction,
    params: Params,
    call: ComponentCall & { readonly env: Env; readonly lifetime: Lifetime; readonly url: string },
  ): unknown {
    const scope = new ComponentScope(call, this.#hostOf(call, call.url));
    return runInScope(scope, () => scope.compute(method, params));
  }

  #hostOf(
    { env, lifetime }: { readonly env: Env; readonly lifetime: Lifetime },
    requested: string,
  ): TriggerHost {
    const { origin: url } = new URL(requested);
    const [accept, emit, plan] = [this.acceptTrigger, this.emitEvent, this.plan];
    return { env, lifetime, accept, emit, plan, withEnv, url };
  }
}

/**
 * The one way in: every trigger, whatever its source, becomes a durable run here, or is refused and leaves nothing behind.
 *
 * The order matters. Checks come first, then the payload (an object in R2 that nobody points at is acceptable, a run that
 * points at nothing is not), then the run object records the run, and only then does the caller have its answer. If the
 * run object cannot be reached, the outcome of the last try is unknown: the payload stays, and the run's retention takes it.
 *
 * Must not: start work before the run is recorded, or hold state; the run object alone decides what a second accept means.
 */
import { nearest } from "../conf/nearest.ts";
import { graphFrom, type RunGraph } from "../core/graph.ts";
import { idempotencyInput, runIdFromBytes, type RunId } from "../core/ids.ts";
import type { PayloadParcel } from "../core/payload-ref.ts";
import type { Plan } from "../core/plan.ts";
import { ok, ProblemError, refuse, type Problem, type Result } from "../core/result.ts";
import type { RunStatus } from "../core/status.ts";
import type { TriggerOrigin } from "../core/trigger.ts";
import type { EncodedPayload } from "../payload/codec.ts";
import { parcelPayload, triggerPayloadKey } from "../payload/payload-store.ts";
import { PayloadStoreError } from "../payload/r2-calls.ts";
import { isPassing, type callRun } from "../run/run-client.ts";
import type { AcceptAnswer, AcceptRequest, ClaimRequest, Grant } from "../run/run-rpc.ts";
import type { MethodRegistry } from "../task/method.ts";
import { checkInput } from "./check-input.ts";
import { refuseTooDeep } from "./trigger-depth.ts";

export interface TriggerRequest {
  readonly task: string;
  readonly payload: EncodedPayload;
  /** Null: a fresh run each time. */
  readonly idempotencyKey: string | null;
  readonly origin: TriggerOrigin;
}

export interface AcceptedTrigger {
  readonly runId: RunId;
  readonly task: string;
  readonly status: RunStatus;
  readonly deduplicated: boolean;
}

/** What carries work on after the answer. */
export interface Lifetime {
  waitUntil(promise: Promise<unknown>): void;
  /** Milliseconds left, where the invocation is already under way (a task that triggers). */
  budgetMs?(): number;
}

/**
 * Accepts a trigger. Refuses with `unknown_task`, `trigger_depth`, `invalid_payload`, `overloaded`, or what its stream was found to be while it
 * was stored (`payload_too_large`); then nothing was started. Rejects with the error of the stream itself.
 */
export type AcceptTrigger = (env: Env, lifetime: Lifetime, trigger: TriggerRequest) => Promise<Result<AcceptedTrigger>>;

export interface AcceptDependencies {
  readonly plan: Plan;
  readonly registry: MethodRegistry;
  readonly callRun: typeof callRun;
  /** What the accepting invocation asks for when it drives a `dispatch: direct` task itself. */
  readonly directClaim: ClaimRequest;
  /** Drives what was granted; carried by `waitUntil`. */
  readonly driveGrant: (env: Env, runId: RunId, grant: Grant) => Promise<void>;
}

/** The run that this trigger starts or finds: a key belongs to its task, no key is a fresh run. */
export async function runIdFor(task: string, idempotencyKey: string | null): Promise<RunId> {
  if (idempotencyKey === null) return runIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(idempotencyInput(task, idempotencyKey)),
  );
  return runIdFromBytes(new Uint8Array(digest));
}

/** The refusal of a task that peach.conf does not have. */
export function unknownTask(tasks: Iterable<string>, task: string): Problem {
  const meant = nearest(task, tasks);
  return {
    code: "unknown_task",
    detail: `There is no task "${task}".`,
    hint: meant === null ? "The tasks are those of peach.conf." : `Did you mean "${meant}"?`,
  };
}

/** The way in for this plan. */
export function createAcceptTrigger({
  plan,
  registry,
  callRun,
  directClaim,
  driveGrant,
}: AcceptDependencies): AcceptTrigger {
  const graphs = new Map<string, RunGraph>();

  function graphOf(task: string): RunGraph | null {
    const known = graphs.get(task);
    if (known !== undefined) return known;
    const graph = Object.hasOwn(plan.tasks, task) ? graphFrom(plan, task) : null;
    if (graph !== null) graphs.set(task, graph);
    return graph;
  }

  function claimWithin(lifetime: Lifetime): ClaimRequest {
    const leftMs = lifetime.budgetMs?.() ?? Number.POSITIVE_INFINITY;
    return { ...directClaim, budgetMs: Math.min(directClaim.budgetMs, leftMs) };
  }

  return async function acceptTrigger(env, lifetime, { task, payload, idempotencyKey, origin }) {
    const graph = graphOf(task);
    const root = graph?.tasks[0];
    if (graph === null || root === undefined) return refuse(unknownTask(Object.keys(plan.tasks), task));
    const tooDeep = refuseTooDeep(env, task, origin);
    if (tooDeep !== null) return tooDeep;
    const misfit = await checkInput(registry, root, payload);
    if (misfit !== null) return misfit;

    const runId = await runIdFor(task, idempotencyKey);
    const parcel = await parcelTrigger(env, runId, payload, graph.inlineLimitBytes);
    if (!parcel.ok) return parcel;
    const claim = graph.dispatch === "direct" ? { claim: claimWithin(lifetime) } : {};
    const answer = await recordRun(env, { runId, graph, origin, payload: parcel.value, ...claim });
    if (!answer.ok) return answer;

    const { status, deduplicated, grant } = answer.value;
    if (deduplicated) lifetime.waitUntil(discard(env, parcel.value));
    if (grant.leases.length > 0) lifetime.waitUntil(driveGrant(env, runId, grant));
    return ok({ runId, task, status, deduplicated });
  };

  async function recordRun(env: Env, request: AcceptRequest): Promise<Result<AcceptAnswer>> {
    try {
      return ok(await callRun(env, request.runId, (run) => run.accept(request)));
    } catch (error) {
      if (!isPassing(error)) throw error;
      console.warn(JSON.stringify({ message: "trigger not recorded", run_id: request.runId, error: String(error) }));
      return refuse(OVERLOADED);
    }
  }
}

async function parcelTrigger(
  env: Env,
  runId: RunId,
  payload: EncodedPayload,
  inlineLimitBytes: number,
): Promise<Result<PayloadParcel>> {
  try {
    return ok(
      await parcelPayload(env.PAYLOADS, triggerPayloadKey(runId, crypto.randomUUID()), payload, inlineLimitBytes),
    );
  } catch (error) {
    // Found while streaming, and the sender's to correct: too large, not the text that it was declared to be.
    if (error instanceof ProblemError) return refuse(error.problem);
    if (!(error instanceof PayloadStoreError)) throw error;
    console.warn(JSON.stringify({ message: "payload of a trigger not stored", run_id: runId, error: String(error) }));
    return refuse(OVERLOADED);
  }
}

/** The run has its payload already. Best effort: what stays is harmless, and lies where the run's retention deletes it. */
async function discard(env: Env, parcel: PayloadParcel): Promise<void> {
  if (parcel.at !== "r2") return;
  await env.PAYLOADS.delete(parcel.key).catch((error: unknown) => {
    console.warn(JSON.stringify({ message: "duplicate payload not deleted", key: parcel.key, error: String(error) }));
  });
}

const OVERLOADED: Problem = {
  code: "overloaded",
  detail: "The trigger could not be recorded now; nothing was started.",
  hint: "Send it again in a moment, with an idempotency key if it must not run twice.",
};

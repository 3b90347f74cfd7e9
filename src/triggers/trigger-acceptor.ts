/**
 * Accepts triggers of every source: a trigger becomes a durable run here, or is refused and leaves
 * nothing behind.
 *
 * The order of writes matters. Checks come first, then the payload, then the run object records the
 * run, and only then does the caller get its answer. An object in R2 without a run is acceptable; a
 * run that points at a missing object is not. An upload to R2 is announced to the run object, which
 * deletes the object if this invocation dies before the run is recorded. If the run object
 * cannot be reached, the outcome of the last try is unknown: the payload stays, and the run's
 * retention deletes it.
 *
 * ```
 * check ──▶ admit ──▶ derive key ─┬─▶ store payload ──▶ record ──▶ drive
 *                                 └─▶ debounced.ts, for a task with `debounce`
 * ```
 *
 * Must not start work before the run is recorded, and must not hold state: only the run object
 * decides what a second accept means.
 */
import type { RunGraph } from "../domain/plan/run-graph.ts";
import type { RunId } from "../domain/ids.ts";
import { ok, refuse, type Problem, type Result } from "../domain/problem.ts";
import { FORMAT_VERSION } from "../domain/version.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";
import { hearingFailures } from "../platform/calls.ts";
import { withPaused } from "../objects/pauses/pauses-client.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import { readAcceptAnswer } from "../objects/run/grant-text-rpc.ts";
import type { AcceptRequest, AcceptAnswer } from "../objects/run/accept-rpc.ts";
import type { ClaimRequest, Grant } from "../objects/run/lease-rpc.ts";
import {
  unknownTask,
  type AcceptDependencies,
  type AcceptedTrigger,
  type AcceptTrigger,
  type TriggerRequest,
} from "./accept.ts";
import { checkInput } from "./check-input.ts";
import { completionKeyFor, idempotencyMismatch, type CheckedTrigger } from "./checked-trigger.ts";
import { acceptDebounced } from "./debounced.ts";
import { keyedByContent } from "./derived-key.ts";
import type { Place } from "./driver-room.ts";
import { runTags } from "./run-tags.ts";
import { runIdFor } from "./run-id.ts";
import { refuseTooDeep } from "./loop-depth.ts";
import { storeTrigger, type KeyedTrigger } from "./stored-trigger.ts";
import { TriggerGraphs } from "./trigger-graph.ts";
import { answered, discard, stored, TriggerPayloads } from "./trigger-payload.ts";

/** The longest delay of a trigger: 30 days. */
const MAX_DELAY_MS = 30 * 86_400_000;

/** The accepting invocation. */
interface Invocation {
  readonly env: Env;
  readonly lifetime: Lifetime;
}

/** A trigger that fits its task; its key may still have to be derived from the payload. */
type UnnamedTrigger = Omit<CheckedTrigger, "idempotencyKey"> &
  Pick<TriggerRequest, "idempotencyKey" | "replayed">;

/** Creates the acceptor for this plan. */
export function createAcceptTrigger(dependencies: AcceptDependencies): AcceptTrigger {
  const acceptor = new TriggerAcceptor(dependencies);
  return (env, lifetime, request) => acceptor.accept({ env, lifetime }, request);
}

/** The steps of accepting a trigger, for one deployment. */
class TriggerAcceptor {
  readonly #dependencies: AcceptDependencies;
  readonly #graphs: TriggerGraphs;
  readonly #hasExternals: boolean;

  constructor(dependencies: AcceptDependencies) {
    this.#dependencies = dependencies;
    this.#graphs = new TriggerGraphs(dependencies.plan);
    this.#hasExternals = Object.values(dependencies.plan.tasks).some(({ external }) => external);
  }

  async accept(at: Invocation, request: TriggerRequest): Promise<Result<AcceptedTrigger>> {
    const checked = await this.#check(at, request);
    if (!checked.ok) return checked;
    const trigger = checked.value;
    const admitted = await this.#admit(at, trigger, request.hasPassed);
    if (!admitted.ok) return admitted;
    const { value: place } = admitted;
    try {
      return await this.#withKey(at, trigger, (named) => this.#acceptNamed(at, named, place));
    } finally {
      place?.leave();
    }
  }

  /** Checks the task, the depth, the delay and the payload, in this order. */
  async #check({ env }: Invocation, request: TriggerRequest): Promise<Result<UnnamedTrigger>> {
    const { plan, registry, asAuthor = (_env, work) => work() } = this.#dependencies;
    const { task, delayMs = 0, replayed, payload } = request;
    const origin = this.#originOf(env, request.origin);
    const graph = this.#graphs.of(env, task, replayed);
    const root = graph?.tasks[0];
    if (graph === null || root === undefined)
      return refuse(unknownTask(Object.keys(plan.tasks), task));
    const tooDeep = refuseTooDeep(env, task, origin);
    if (tooDeep !== null) return tooDeep;
    if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) return refuse(impossibleDelay(delayMs));
    const checked =
      root.shape === "trigger"
        ? await asAuthor(env, () => checkInput(registry, root, payload))
        : ok(payload);
    if (!checked.ok) return checked;
    // A replay has the tags of its run, as they were.
    const templates = replayed === undefined ? (plan.tasks[task]?.tags ?? []) : [];
    const tagged = runTags(templates, request.tags ?? [], checked.value);
    if (!tagged.ok) return tagged;
    const tags = tagged.value.length === 0 ? {} : { tags: tagged.value };
    return ok({
      ...request,
      payload: checked.value,
      origin: { ...origin, ...tags },
      delayMs,
      graph,
    });
  }

  /**
   * The origin to record. The address of the deployment matters only to external tasks, also in
   * runs triggered by this one. It comes from the request's `Host`, which the sender chooses, so it
   * is trusted only on the local runtime, which serves nobody else.
   */
  #originOf(env: Env, { url, ...origin }: TriggerOrigin): TriggerOrigin {
    return this.#hasExternals && url !== undefined && env.PEACH_LOCAL === "1"
      ? { ...origin, url }
      : origin;
  }

  /** Passes the gate. Triggers of a run are not new work and skip the gate. */
  async #admit(
    { env, lifetime }: Invocation,
    { origin, delayMs, graph }: UnnamedTrigger,
    hasPassed = false,
  ): Promise<Result<Place | null>> {
    if (origin.parent !== null || hasPassed) return ok(null);
    const mayBegin = delayMs === 0 && graph.dispatch === "queue";
    return this.#dependencies.gate.admit(env, lifetime, mayBegin);
  }

  /** Derives the key from the payload if the trigger asks for it, and goes on with `accept`. */
  async #withKey(
    { env, lifetime }: Invocation,
    trigger: UnnamedTrigger,
    accept: (named: KeyedTrigger) => Promise<Result<AcceptedTrigger>>,
  ): Promise<Result<AcceptedTrigger>> {
    const { payload, idempotencyKey: key } = trigger;
    if (key === null || !("derive" in key)) return accept({ ...trigger, idempotencyKey: key });
    const keyed = await stored(null, () => keyedByContent(env.PAYLOADS, payload, key));
    if (!keyed.ok) return keyed;
    try {
      const opened = await stored(null, () => keyed.value.open());
      if (!opened.ok) return opened;
      return await accept({
        ...trigger,
        payload: opened.value,
        idempotencyKey: keyed.value.key,
      });
    } finally {
      if (keyed.value.discard !== null) lifetime.waitUntil(keyed.value.discard());
    }
  }

  async #acceptNamed(
    at: Invocation,
    trigger: KeyedTrigger,
    place: Place | null,
  ): Promise<Result<AcceptedTrigger>> {
    const { plan, callRun } = this.#dependencies;
    const { task, replayed } = trigger;
    const debounce = replayed !== undefined ? null : (plan.tasks[task]?.debounce ?? null);
    if (debounce === null) return this.#acceptAtOnce(at, trigger, place);
    const waitUntil = (work: Promise<unknown>): void => at.lifetime.waitUntil(work);
    const accepted = await acceptDebounced({ env: at.env, callRun, waitUntil }, debounce, trigger);
    return accepted.ok ? ok({ ...accepted.value, task }) : accepted;
  }

  async #acceptAtOnce(
    at: Invocation,
    trigger: KeyedTrigger,
    place: Place | null,
  ): Promise<Result<AcceptedTrigger>> {
    const { env, lifetime } = at;
    const { task, idempotencyKey: key, graph, origin, delayMs } = trigger;
    const named = await answered(null, runIdFor(env, task, key));
    if (!named.ok) return named;
    const runId = named.value;
    const nonce = crypto.randomUUID();
    const { callRun } = this.#dependencies;
    const payloads = new TriggerPayloads(env, callRun, runId, nonce, graph.inlineLimitBytes);
    const kept = await storeTrigger(payloads, trigger);
    if (!kept.ok) return kept;
    const { payload, recorded = [] } = kept.value;
    const request = {
      v: FORMAT_VERSION,
      runId,
      nonce,
      graph,
      origin,
      ...kept.value,
      ...completionKeyFor(graph),
      delayMs,
    };
    const answer = await this.#record(at, request, place);
    if (!answer.ok) return answer;
    const { status, outcome, grant } = answer.value;
    this.#drive(at, runId, grant, place);
    if (outcome !== "recorded")
      for (const mine of [payload, ...recorded.map((one) => one.payload)])
        lifetime.waitUntil(discard(env, mine));
    if (outcome === "mismatch") return refuse(idempotencyMismatch(task, key, runId));
    return ok({ runId, task, status, deduplicated: outcome === "deduplicated" });
  }

  /** Records the run. Also claims its first leases if the run begins in this invocation. */
  async #record(
    { env, lifetime }: Invocation,
    request: AcceptRequest,
    place: Place | null,
  ): Promise<Result<AcceptAnswer>> {
    const { runId, graph } = request;
    const claim = begins(graph, place)
      ? { claim: await withPaused(env, this.#claimWithin(lifetime), same) }
      : {};
    const text = await answered(
      runId,
      this.#dependencies.callRun(env, runId, (run) => run.accept({ ...request, ...claim })),
    );
    return text.ok ? ok(readAcceptAnswer(text.value)) : text;
  }

  #claimWithin(lifetime: Lifetime): ClaimRequest {
    const { directClaim } = this.#dependencies;
    const leftMs = lifetime.budgetMs?.() ?? Number.POSITIVE_INFINITY;
    return { ...directClaim, budgetMs: Math.min(directClaim.budgetMs, leftMs) };
  }

  /** Drives the granted leases in `waitUntil`: what fails there does not hold up the trigger. */
  #drive({ env, lifetime }: Invocation, runId: RunId, grant: Grant, place: Place | null): void {
    if (grant.leases.length === 0) return;
    const driving = hearingFailures(
      () => undefined,
      () => this.#dependencies.driveGrant(env, runId, grant),
    );
    lifetime.waitUntil(place === null ? driving : place.keepFor(driving));
  }
}

/** True if the run begins in the accepting invocation. */
function begins(graph: RunGraph, place: Place | null): boolean {
  return graph.dispatch === "direct" || place !== null;
}

const same = (claim: ClaimRequest): Promise<ClaimRequest> => Promise.resolve(claim);

function impossibleDelay(delayMs: number): Problem {
  return {
    code: "invalid_request",
    detail: `A trigger cannot be delayed by ${delayMs} ms.`,
    hint: "A delay is at most 30d; a time further away is a matter for a schedule.",
  };
}

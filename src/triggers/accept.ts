/**
 * The one way in: every trigger, whatever its source, becomes a durable run here, or is refused and leaves nothing behind.
 *
 * The order matters. Checks come first, then the payload (an object in R2 that nobody points at is acceptable, a run that
 * points at nothing is not), then the run object records the run, and only then does the caller have its answer. Of an object
 * in R2 the run object is told beforehand, so that it is deleted if this invocation dies before the run is recorded. If the
 * run object cannot be reached, the outcome of the last try is unknown: the payload stays, and the run's retention takes it.
 *
 * Must not: start work before the run is recorded, or hold state; the run object alone decides what a second accept means.
 */
import { nearest } from "../domain/nearest.ts";
import { graphFrom, type GraphTask, type RunGraph } from "../domain/plan/run-graph.ts";
import type { RunId } from "../domain/ids.ts";
import type { PayloadParcel } from "../domain/payload.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { ok, refuse, type Problem, type Result } from "../domain/problem.ts";
import type { RunStatus } from "../domain/statuses.ts";
import { FORMAT_VERSION } from "../domain/version.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";
import type { PayloadDigest, TriggerKey } from "../domain/trigger-key.ts";
import { withPaused } from "../objects/pauses/pauses-client.ts";
import type { PayloadLimitKeys } from "../domain/limits/limit.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import { deployedAt } from "../platform/deployed-at.ts";
import type { callRun } from "../objects/run/run-client.ts";
import { readAcceptAnswer } from "../objects/run/lease-rpc.ts";
import type { AcceptRequest, AcceptAnswer, ClaimRequest, Grant } from "../objects/run/run-rpc.ts";
import type { Place } from "../execution/driver/driver-room.ts";
import type { MethodRegistry } from "../execution/author/method.ts";
import type { AsAuthor } from "../execution/author/pipeline-env.ts";
import { checkInput } from "./check-input.ts";
import {
  completionKeyFor,
  idempotencyMismatch,
  isCompared,
  limitKeysFor,
  type CheckedTrigger,
} from "./checked-trigger.ts";
import { acceptDebounced } from "./debounced.ts";
import { keyedByContent, type DerivedKey } from "./derived-key.ts";
import { runIdFor } from "./run-id.ts";
import { refuseTooDeep } from "./loop-depth.ts";
import { answered, discard, stored, TriggerPayloads } from "./trigger-payload.ts";

export interface TriggerRequest {
  readonly task: string;
  readonly payload: EncodedPayload;
  /** Null: a fresh run each time. */
  readonly idempotencyKey: TriggerKey | DerivedKey | null;
  readonly origin: TriggerOrigin;
  /** How long the root task waits before it may start, to 30 days; absent: not at all. Milliseconds. */
  readonly delayMs?: number;
  /** It belongs to what has passed the gate; absent: it has to pass itself. */
  readonly hasPassed?: boolean;
  /** Of a replay: how its root reads, and what is to be copied for it. It counts for no window of `debounce`. */
  readonly replayed?: Replayed;
}

/** What a replay brings along (see replay.ts). */
export interface Replayed extends Pick<GraphTask, "shape" | "parents"> {
  /** What the trigger that was recorded says about the limits of the root; null: nothing, or the root reads from others. */
  readonly limitKeys: PayloadLimitKeys | "of the payload" | null;
  /** Stores copies of what was recorded; for a root of shape `value` its input comes first. */
  readonly copy: (
    store: (payload: EncodedPayload) => Promise<Result<PayloadParcel>>,
  ) => Promise<Result<NonNullable<AcceptRequest["recorded"]>>>;
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

/** What new triggers pass (see gate.ts). */
export interface Gate {
  /**
   * Resolves once the trigger is taken, after a while if older work waits or the isolate is busy: to a place for a driver in this
   * invocation, which the caller gives back, or to null if the queue is for its run. Else to its refusal, `overloaded`. `begins`: its run
   * may begin now, if it finds a place.
   */
  admit(env: Env, lifetime: Lifetime, begins: boolean): Promise<Result<Place | null>>;
}

/**
 * Accepts a trigger. Refuses with `unknown_task`, `trigger_depth`, `invalid_payload`, `idempotency_mismatch`, `overloaded`, or what its stream was
 * found to be while it was stored (`payload_too_large`); then nothing was started. Rejects with the error of the stream itself.
 */
export type AcceptTrigger = (
  env: Env,
  lifetime: Lifetime,
  trigger: TriggerRequest,
) => Promise<Result<AcceptedTrigger>>;

export interface AcceptDependencies {
  readonly plan: Plan;
  readonly registry: MethodRegistry;
  readonly callRun: typeof callRun;
  /** What new triggers pass. */
  readonly gate: Gate;
  /** What the accepting invocation asks for when it drives the run itself. */
  readonly directClaim: ClaimRequest;
  /** Drives what was granted; carried by `waitUntil`. */
  readonly driveGrant: (env: Env, runId: RunId, grant: Grant) => Promise<void>;
  /** For code of schemas; absent where nothing can be imported. */
  readonly asAuthor?: AsAuthor;
}

/** A trigger that the gate has let pass. */
interface AdmittedTrigger extends CheckedTrigger, Pick<TriggerRequest, "replayed"> {
  /** For a driver in this invocation. */
  readonly place: Place | null;
}

/** The longest delay of a trigger: 30 days. */
const MAX_DELAY_MS = 30 * 86_400_000;

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
  gate,
  directClaim,
  driveGrant,
  asAuthor = (_env, work) => work(),
}: AcceptDependencies): AcceptTrigger {
  const graphs = new Map<string, RunGraph>();

  function graphOf(task: string): RunGraph | null {
    const known = graphs.get(task);
    if (known !== undefined) return known;
    const graph = Object.hasOwn(plan.tasks, task) ? graphFrom(plan, task) : null;
    if (graph !== null) graphs.set(task, graph);
    return graph;
  }

  const hasExternals = Object.values(plan.tasks).some(({ external }) => external);

  /**
   * Where the deployment was reached matters to external tasks only, also to those of runs that this one triggers. It is what a request
   * has in its `Host`, so whoever sends it chooses it: it is believed on the local runtime, which answers to nobody else.
   */
  function originOf(env: Env, { url, ...origin }: TriggerOrigin): TriggerOrigin {
    return hasExternals && url !== undefined && env.PEACH_LOCAL === "1"
      ? { ...origin, url }
      : origin;
  }

  function claimWithin(lifetime: Lifetime): ClaimRequest {
    const leftMs = lifetime.budgetMs?.() ?? Number.POSITIVE_INFINITY;
    return { ...directClaim, budgetMs: Math.min(directClaim.budgetMs, leftMs) };
  }

  return async function acceptTrigger(env, lifetime, trigger) {
    const { task, delayMs = 0, replayed, hasPassed = false } = trigger;
    const origin = originOf(env, trigger.origin);
    const graph = asReplayed(dated(env, graphOf(task)), replayed);
    const root = graph?.tasks[0];
    if (graph === null || root === undefined)
      return refuse(unknownTask(Object.keys(plan.tasks), task));
    const tooDeep = refuseTooDeep(env, task, origin);
    if (tooDeep !== null) return tooDeep;
    if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) return refuse(impossibleDelay(delayMs));
    const check = (): Promise<Result<EncodedPayload>> =>
      checkInput(registry, root, trigger.payload);
    const checked = root.shape === "trigger" ? await asAuthor(env, check) : ok(trigger.payload);
    if (!checked.ok) return checked;
    const payload = checked.value;

    // What a run triggers is work, not new work.
    const begins = delayMs === 0 && graph.dispatch === "queue";
    const admitted =
      origin.parent === null && !hasPassed ? await gate.admit(env, lifetime, begins) : ok(null);
    if (!admitted.ok) return admitted;
    const { value: place } = admitted;
    try {
      return await acceptAdmitted(env, lifetime, {
        ...trigger,
        payload,
        origin,
        delayMs,
        graph,
        place,
      });
    } finally {
      place?.leave();
    }
  };

  async function acceptAdmitted(
    env: Env,
    lifetime: Lifetime,
    ready: Omit<AdmittedTrigger, "idempotencyKey"> & Pick<TriggerRequest, "idempotencyKey">,
  ): Promise<Result<AcceptedTrigger>> {
    const { payload, idempotencyKey: key } = ready;
    if (key === null || !("derive" in key))
      return acceptChecked(env, lifetime, { ...ready, idempotencyKey: key });
    const keyed = await stored(null, () => keyedByContent(env.PAYLOADS, payload, key));
    if (!keyed.ok) return keyed;
    try {
      const opened = await stored(null, () => keyed.value.open());
      if (!opened.ok) return opened;
      const found = { payload: opened.value, idempotencyKey: keyed.value.key };
      return await acceptChecked(env, lifetime, { ...ready, ...found });
    } finally {
      if (keyed.value.discard !== null) lifetime.waitUntil(keyed.value.discard());
    }
  }

  async function acceptChecked(
    env: Env,
    lifetime: Lifetime,
    trigger: AdmittedTrigger,
  ): Promise<Result<AcceptedTrigger>> {
    const { task, replayed } = trigger;
    const debounce = replayed !== undefined ? null : (plan.tasks[task]?.debounce ?? null);
    if (debounce === null) return acceptAtOnce(env, lifetime, trigger);
    const waitUntil = (work: Promise<unknown>): void => lifetime.waitUntil(work);
    const accepted = await acceptDebounced({ env, callRun, waitUntil }, debounce, trigger);
    return accepted.ok ? ok({ ...accepted.value, task }) : accepted;
  }

  async function acceptAtOnce(
    env: Env,
    lifetime: Lifetime,
    {
      task,
      payload,
      idempotencyKey: key,
      graph,
      origin,
      delayMs,
      replayed,
      place,
    }: AdmittedTrigger,
  ): Promise<Result<AcceptedTrigger>> {
    const named = await answered(null, runIdFor(env, task, key));
    if (!named.ok) return named;
    const runId = named.value;
    const nonce = crypto.randomUUID();
    const payloads = new TriggerPayloads(env, callRun, runId, nonce, graph.inlineLimitBytes);
    const copies = await replayed?.copy((one) => payloads.store(one));
    if (copies?.ok === false) return copies;
    const recorded = copies?.value ?? [];
    const [input] = graph.tasks[0]?.shape === "value" ? recorded : [];
    const keys =
      replayed === undefined
        ? await limitKeysFor(graph, payload)
        : await replayedKeys(graph, payload, replayed);
    const carried =
      input === undefined
        ? await carry(payloads, payload, key, replayed)
        : ok(known(input.payload, key));
    if (!carried.ok) return carried;
    const { parcel, digest } = carried.value;
    const request = {
      v: FORMAT_VERSION,
      runId,
      nonce,
      graph,
      origin,
      payload: parcel,
      ...(digest !== undefined && { digest }),
      ...(recorded.length > 0 && { recorded }),
      ...keys,
      ...completionKeyFor(graph),
      delayMs,
    };
    const answer = await record(env, lifetime, request, place);
    if (!answer.ok) return answer;
    const { status, outcome } = answer.value;
    if (outcome !== "recorded")
      for (const mine of [parcel, ...recorded.map((one) => one.payload)])
        lifetime.waitUntil(discard(env, mine));
    if (outcome === "mismatch") return refuse(idempotencyMismatch(task, key, runId));
    return ok({ runId, task, status, deduplicated: outcome === "deduplicated" });
  }

  /** Has the run recorded, and driven by this invocation if it is to begin here: what is granted then is carried by `waitUntil`. */
  async function record(
    env: Env,
    lifetime: Lifetime,
    request: AcceptRequest,
    place: Place | null,
  ): Promise<Result<AcceptAnswer>> {
    const { runId, graph } = request;
    const isDriven = graph.dispatch === "direct" || place !== null;
    const claim = isDriven ? { claim: await withPaused(env, claimWithin(lifetime), same) } : {};
    const text = await answered(
      runId,
      callRun(env, runId, (run) => run.accept({ ...request, ...claim })),
    );
    if (!text.ok) return text;
    const answer = readAcceptAnswer(text.value);
    if (answer.grant.leases.length > 0) {
      const driving = driveGrant(env, runId, answer.grant);
      lifetime.waitUntil(place === null ? driving : place.keepFor(driving));
    }
    return ok(answer);
  }
}

/** Of a replay with what was recorded: that never changes, so it need not be digested. */
const RECORDED: PayloadDigest = "recorded";

/** Stores what the trigger carries; with its digest, if the key must not come again with another payload. */
async function carry(
  payloads: TriggerPayloads,
  payload: EncodedPayload,
  key: TriggerKey | null,
  replayed: Replayed | undefined,
): Promise<Result<{ readonly parcel: PayloadParcel; readonly digest?: PayloadDigest }>> {
  const isGiven = replayed === undefined || replayed.limitKeys === "of the payload";
  if (isCompared(key) && isGiven) return payloads.storeDigested(payload);
  const parcel = await payloads.store(payload);
  return parcel.ok ? ok(known(parcel.value, key)) : parcel;
}

/** A payload that need not be digested: nothing else can come with this key, or whatever comes is the same. */
function known(
  parcel: PayloadParcel,
  key: TriggerKey | null,
): { readonly parcel: PayloadParcel; readonly digest?: PayloadDigest } {
  return { parcel, ...(isCompared(key) && { digest: RECORDED }) };
}

const same = (claim: ClaimRequest): Promise<ClaimRequest> => Promise.resolve(claim);

/** The graph with the time of this deployment, by which limits order plans. */
function dated(env: Env, graph: RunGraph | null): RunGraph | null {
  const madeAt = deployedAt(env);
  const isLimited = graph?.tasks.some(({ limits }) => limits !== undefined) === true;
  return graph !== null && madeAt !== null && isLimited ? { ...graph, madeAt } : graph;
}

/** The graph whose root reads as it read in the run that is replayed. */
function asReplayed(graph: RunGraph | null, replayed: Replayed | undefined): RunGraph | null {
  const [root, ...others] = graph?.tasks ?? [];
  if (graph === null || root === undefined || replayed === undefined) return graph;
  const { shape, parents } = replayed;
  return { ...graph, tasks: [{ ...root, shape, parents }, ...others] };
}

async function replayedKeys(
  graph: RunGraph,
  payload: EncodedPayload,
  { limitKeys }: Replayed,
): Promise<{ readonly limitKeys?: PayloadLimitKeys }> {
  if (limitKeys === "of the payload") return limitKeysFor(graph, payload);
  return limitKeys === null ? {} : { limitKeys };
}

function impossibleDelay(delayMs: number): Problem {
  return {
    code: "invalid_request",
    detail: `A trigger cannot be delayed by ${delayMs} ms.`,
    hint: "A delay is at most 30d; a time further away is a matter for a schedule.",
  };
}

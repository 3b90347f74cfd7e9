/**
 * Accepts triggers of every source: a trigger becomes a durable run here, or is refused and leaves
 * nothing behind.
 *
 * The order of writes matters. Checks come first, then the payload, then the run object records the
 * run, and only then does the caller get its answer. An object in R2 without a run is acceptable; a
 * run that points at a missing object is not. The run object is told of an upload to R2 beforehand
 * and deletes the object if this invocation dies before the run is recorded. If the run object
 * cannot be reached, the outcome of the last try is unknown: the payload stays, and the run's
 * retention deletes it.
 *
 * Must not start work before the run is recorded, and must not hold state: only the run object
 * decides what a second accept means.
 */
import { nearest } from "../domain/nearest.ts";
import { graphFrom, type GraphTask, type RunGraph } from "../domain/plan/run-graph.ts";
import type { RunId } from "../domain/ids.ts";
import type { NewPayload } from "../domain/payload.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { ok, refuse, type Problem, type Result } from "../domain/problem.ts";
import type { RunStatus } from "../domain/statuses.ts";
import { FORMAT_VERSION } from "../domain/version.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";
import type { PayloadDigest, TriggerKey } from "../domain/trigger-key.ts";
import { withPaused } from "../objects/pauses/pauses-client.ts";
import type { PayloadLimitKeys } from "../domain/limits/limit.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import { deployedAt } from "../platform/deployment.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import type { callRun } from "../objects/run/run-client.ts";
import { readAcceptAnswer } from "../objects/run/grant-text-rpc.ts";
import type { AcceptRequest, AcceptAnswer } from "../objects/run/accept-rpc.ts";
import type { ClaimRequest, Grant } from "../objects/run/lease-rpc.ts";
import type { Place } from "./driver-room.ts";
import { checkInput, type AsAuthor, type InputSchemas } from "./check-input.ts";
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
  /** Delay before the root task may start, at most 30 days; absent: none. Milliseconds. */
  readonly delayMs?: number;
  /**
   * True if the trigger belongs to work that passed the gate before; absent: the trigger has to
   * pass.
   */
  readonly hasPassed?: boolean;
  /**
   * For a replay: the shape of the root's input, and the recorded payloads to copy. A replay counts
   * for no `debounce` window.
   */
  readonly replayed?: Replayed;
}

/** The replayed part of a trigger (see replay.ts). */
export interface Replayed extends Pick<GraphTask, "shape" | "parents"> {
  /**
   * Limit keys of the root, from the recorded trigger; null without limits, or if the root reads
   * from other tasks.
   */
  readonly limitKeys: PayloadLimitKeys | "of the payload" | null;
  /**
   * Copies the recorded payloads with `store`. For a root of shape `value`, its input comes first.
   */
  readonly copy: (
    store: (payload: EncodedPayload) => Promise<Result<NewPayload>>,
  ) => Promise<Result<NonNullable<AcceptRequest["recorded"]>>>;
}

export interface AcceptedTrigger {
  readonly runId: RunId;
  readonly task: string;
  readonly status: RunStatus;
  readonly deduplicated: boolean;
}

/** Admission of new triggers (see gate.ts). */
export interface Gate {
  /**
   * Resolves once the trigger is admitted, later if older work waits or the isolate is busy. The
   * result is a place for a driver in this invocation, which the caller releases, or null if the
   * queue drives the run. Refuses with `overloaded`. `begins`: the run may begin now if a place is
   * free.
   */
  admit(env: Env, lifetime: Lifetime, begins: boolean): Promise<Result<Place | null>>;
}

/**
 * Accepts a trigger. Refuses with `unknown_task`, `trigger_depth`, `invalid_payload`,
 * `idempotency_mismatch`, `overloaded`, or with the fault found in its stream
 * (`payload_too_large`); then nothing was started. Rejects with the error of the stream itself.
 */
export type AcceptTrigger = (
  env: Env,
  lifetime: Lifetime,
  trigger: TriggerRequest,
) => Promise<Result<AcceptedTrigger>>;

export interface AcceptDependencies {
  readonly plan: Plan;
  readonly registry: InputSchemas;
  readonly callRun: typeof callRun;
  /** Admission of new triggers. */
  readonly gate: Gate;
  /** The claim for a run that the accepting invocation drives itself. */
  readonly directClaim: ClaimRequest;
  /** Drives granted leases; the promise is passed to `waitUntil`. */
  readonly driveGrant: (env: Env, runId: RunId, grant: Grant) => Promise<void>;
  /** Runs the code of schemas; absent where authors' code cannot import `env`. */
  readonly asAuthor?: AsAuthor;
}

/** A trigger that the gate has admitted. */
interface AdmittedTrigger extends CheckedTrigger, Pick<TriggerRequest, "replayed"> {
  /** A place for a driver in this invocation; null: the queue drives the run. */
  readonly place: Place | null;
}

/** The longest delay of a trigger: 30 days. */
const MAX_DELAY_MS = 30 * 86_400_000;

/** The refusal of a task that is not in peach.conf. */
export function unknownTask(tasks: Iterable<string>, task: string): Problem {
  const meant = nearest(task, tasks);
  return {
    code: "unknown_task",
    detail: `There is no task "${task}".`,
    hint: meant === null ? "The tasks are those of peach.conf." : `Did you mean "${meant}"?`,
  };
}

/** Creates the acceptor for this plan. */
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
   * The origin to record. The address of the deployment matters only to external tasks, also in
   * runs triggered by this one. It comes from the request's `Host`, which the sender chooses, so it
   * is trusted only on the local runtime, which serves nobody else.
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

    // Triggers of a run are not new work and skip the gate.
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
    const { newPayload, digest } = carried.value;
    const request = {
      v: FORMAT_VERSION,
      runId,
      nonce,
      graph,
      origin,
      payload: newPayload,
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
      for (const mine of [newPayload, ...recorded.map((one) => one.payload)])
        lifetime.waitUntil(discard(env, mine));
    if (outcome === "mismatch") return refuse(idempotencyMismatch(task, key, runId));
    return ok({ runId, task, status, deduplicated: outcome === "deduplicated" });
  }

  /**
   * Records the run. If the run begins in this invocation, its granted leases are driven in
   * `waitUntil`.
   */
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

/**
 * Digest of a replay with recorded payloads: they never change, so computing a digest is
 * unnecessary.
 */
const RECORDED: PayloadDigest = "recorded";

/**
 * Stores the trigger's payload. Also returns its digest if the key must not be reused with another
 * payload.
 */
async function carry(
  payloads: TriggerPayloads,
  payload: EncodedPayload,
  key: TriggerKey | null,
  replayed: Replayed | undefined,
): Promise<Result<{ readonly newPayload: NewPayload; readonly digest?: PayloadDigest }>> {
  const isGiven = replayed === undefined || replayed.limitKeys === "of the payload";
  if (isCompared(key) && isGiven) return payloads.storeDigested(payload);
  const newPayload = await payloads.store(payload);
  return newPayload.ok ? ok(known(newPayload.value, key)) : newPayload;
}

/** A payload without a computed digest: its key determines the payload. */
function known(
  newPayload: NewPayload,
  key: TriggerKey | null,
): { readonly newPayload: NewPayload; readonly digest?: PayloadDigest } {
  return { newPayload, ...(isCompared(key) && { digest: RECORDED }) };
}

const same = (claim: ClaimRequest): Promise<ClaimRequest> => Promise.resolve(claim);

/** Adds the time of this deployment to the graph; limits order plans by it. */
function dated(env: Env, graph: RunGraph | null): RunGraph | null {
  const madeAt = deployedAt(env);
  const isLimited = graph?.tasks.some(({ limits }) => limits !== undefined) === true;
  return graph !== null && madeAt !== null && isLimited ? { ...graph, madeAt } : graph;
}

/** Gives the root the recorded input shape of the replayed run. */
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

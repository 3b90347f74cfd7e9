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
import { nearest } from "../conf/nearest.ts";
import { graphFrom, type GraphTask, type RunGraph } from "../core/graph.ts";
import { idempotencyInput, runIdFromBytes, type RunId } from "../core/ids.ts";
import { descriptionOf, type PayloadParcel } from "../core/payload-ref.ts";
import type { DebouncePlan, Plan } from "../core/plan.ts";
import { ok, ProblemError, refuse, type Problem, type Result } from "../core/result.ts";
import type { RunStatus } from "../core/status.ts";
import type { TriggerOrigin } from "../core/trigger.ts";
import { withPaused } from "../controls/controls-client.ts";
import { limitPathsOf, type PayloadLimitKeys } from "../core/limit.ts";
import type { EncodedPayload } from "../payload/codec.ts";
import { limitKeysOf } from "../payload/limit-keys.ts";
import { openPayloadStream, parcelPayload, triggerPayloadKey } from "../payload/payload-store.ts";
import { PayloadStoreError, R2_LIMIT_MS } from "../payload/r2-calls.ts";
import { isPassing, within } from "../platform/calls.ts";
import type { callRun } from "../run/run-client.ts";
import { readAcceptAnswer } from "../run/grant-rpc.ts";
import type { AcceptRequest, ClaimRequest, Grant } from "../run/run-rpc.ts";
import type { WindowAnswer } from "../limits/debounce-rpc.ts";
import type { MethodRegistry } from "../task/method.ts";
import { checkInput } from "./check-input.ts";
import { newCompletionKey } from "./completion-token.ts";
import { refuseTooDeep } from "./trigger-depth.ts";
import { debounceDelayMs, debounceKeyOf, debounceWindow } from "./debounced.ts";

export interface TriggerRequest {
  readonly task: string;
  readonly payload: EncodedPayload;
  /** Null: a fresh run each time. */
  readonly idempotencyKey: string | null;
  readonly origin: TriggerOrigin;
  /** How long the root task waits before it may start, to 30 days; absent: not at all. Milliseconds. */
  readonly delayMs?: number;
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

/** The longest delay of a trigger: 30 days. */
const MAX_DELAY_MS = 30 * 86_400_000;

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

  const hasExternals = Object.values(plan.tasks).some(({ external }) => external);

  /** Where the deployment was reached matters to external tasks only, also to those of runs that this one triggers. */
  function originOf({ url, ...origin }: TriggerOrigin): TriggerOrigin {
    return hasExternals && url !== undefined ? { ...origin, url } : origin;
  }

  function claimWithin(lifetime: Lifetime): ClaimRequest {
    const leftMs = lifetime.budgetMs?.() ?? Number.POSITIVE_INFINITY;
    return { ...directClaim, budgetMs: Math.min(directClaim.budgetMs, leftMs) };
  }

  return async function acceptTrigger(env, lifetime, trigger) {
    const { task, payload, idempotencyKey, delayMs = 0, replayed } = trigger;
    const origin = originOf(trigger.origin);
    const graph = asReplayed(graphOf(task), replayed);
    const root = graph?.tasks[0];
    if (graph === null || root === undefined) return refuse(unknownTask(Object.keys(plan.tasks), task));
    const tooDeep = refuseTooDeep(env, task, origin);
    if (tooDeep !== null) return tooDeep;
    if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) return refuse(impossibleDelay(delayMs));
    const misfit = root.shape === "trigger" ? await checkInput(registry, root, payload) : null;
    if (misfit !== null) return misfit;

    const debounce = replayed !== undefined ? null : (plan.tasks[task]?.debounce ?? null);
    if (debounce !== null) return acceptDebounced(env, lifetime, graph, debounce, trigger);

    const runId = await runIdFor(task, idempotencyKey);
    const copies = await replayed?.copy((one) => parcelTrigger(env, runId, one, graph));
    if (copies?.ok === false) return copies;
    const [input] = root.shape === "value" ? (copies?.value ?? []) : [];
    const keys =
      replayed === undefined ? await limitKeysFor(graph, payload) : await replayedKeys(graph, payload, replayed);
    const parcel = input === undefined ? await parcelTrigger(env, runId, payload, graph) : ok(input.payload);
    if (!parcel.ok) return parcel;
    const claim =
      graph.dispatch === "direct"
        ? { claim: await withPaused(env, claimWithin(lifetime), (known) => Promise.resolve(known)) }
        : {};
    const recordings = copies === undefined || copies.value.length === 0 ? {} : { recorded: copies.value };
    const more = { ...recordings, ...keys, ...keyFor(graph) };
    const request = { runId, graph, origin, payload: parcel.value, ...more, delayMs, ...claim };
    const answer = await recorded(
      runId,
      callRun(env, runId, (run) => run.accept(request)),
    );
    if (!answer.ok) return answer;

    const { status, deduplicated, grant } = readAcceptAnswer(answer.value);
    const stored = [parcel.value, ...(copies?.value ?? []).map((copy) => copy.payload)];
    if (deduplicated) for (const one of stored) lifetime.waitUntil(discard(env, one));
    if (grant.leases.length > 0) lifetime.waitUntil(driveGrant(env, runId, grant));
    return ok({ runId, task, status, deduplicated });
  };

  /** Finds the run of the open window, or opens one; a run that has started meanwhile closes its window (see debounced.ts). */
  async function acceptDebounced(
    env: Env,
    lifetime: Lifetime,
    graph: RunGraph,
    debounce: DebouncePlan,
    { task, payload, idempotencyKey, origin: given, delayMs = 0 }: TriggerRequest,
  ): Promise<Result<AcceptedTrigger>> {
    const origin = originOf(given);
    const key = await debounceKeyOf(debounce, payload);
    const limitKeys = await limitKeysFor(graph, payload);
    const waitMs = debounceDelayMs(debounce, delayMs);
    let body = payload;
    const leftovers: PayloadParcel[] = [];
    let started: RunId | null = null;
    for (;;) {
      const window: Result<WindowAnswer> = await recorded(
        null,
        debounceWindow(env, task, key, idempotencyKey, started),
      );
      if (!window.ok) return window;
      const { runId, known }: WindowAnswer = window.value;
      const status = known ? await callRun(env, runId, (run) => run.describe()).then((run) => run?.status) : undefined;
      if (status !== undefined) return ok({ runId, task, status, deduplicated: true });

      const parcel = await parcelTrigger(env, runId, body, graph);
      if (!parcel.ok) return parcel;
      const more = { ...keyFor(graph), ...limitKeys };
      const request = { runId, graph, origin, payload: parcel.value, delayMs: waitMs, ...more };
      const answer = await recorded(
        runId,
        callRun(env, runId, (run) => run.acceptOrPostpone(request)),
      );
      if (!answer.ok) return answer;
      if (answer.value !== null) {
        for (const leftover of leftovers) lifetime.waitUntil(discard(env, leftover));
        const { status: now, deduplicated } = readAcceptAnswer(answer.value);
        return ok({ runId, task, status: now, deduplicated });
      }
      started = runId;
      body = await reread(env, payload, parcel.value);
      leftovers.push(parcel.value);
    }
  }

  async function parcelTrigger(
    env: Env,
    runId: RunId,
    payload: EncodedPayload,
    { inlineLimitBytes }: RunGraph,
  ): Promise<Result<PayloadParcel>> {
    const key = triggerPayloadKey(runId, crypto.randomUUID());
    const beforePut = async (): Promise<void> => {
      const told = await recorded(
        runId,
        callRun(env, runId, (run) => run.expectPayload()),
      );
      if (!told.ok) throw new ProblemError(told.problem);
    };
    try {
      return ok(await parcelPayload(env.PAYLOADS, key, payload, inlineLimitBytes, beforePut));
    } catch (error) {
      // Found while streaming, and the sender's to correct: too large, not the text that it was declared to be; or `overloaded`.
      if (error instanceof ProblemError) return refuse(error.problem);
      if (!(error instanceof PayloadStoreError)) throw error;
      console.warn(JSON.stringify({ message: "payload of a trigger not stored", run_id: runId, error: String(error) }));
      return refuse(OVERLOADED);
    }
  }
}

function keyFor({ tasks }: RunGraph): Pick<AcceptRequest, "completionKey"> {
  return tasks.some(({ external }) => external) ? { completionKey: newCompletionKey() } : {};
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

/** What the payload says about the limits of the root task, where they ask. */
async function limitKeysFor(
  { tasks: [root] }: RunGraph,
  payload: EncodedPayload,
): Promise<{ readonly limitKeys?: PayloadLimitKeys }> {
  const paths = root?.limits === undefined ? null : limitPathsOf(root.limits);
  return paths === null ? {} : { limitKeys: await limitKeysOf(paths, payload, root?.each !== undefined) };
}

/** The answer of an object, or `overloaded` if the surroundings keep it from answering. */
async function recorded<T>(runId: RunId | null, answer: Promise<T>): Promise<Result<T>> {
  try {
    return ok(await answer);
  } catch (error) {
    if (!isPassing(error)) throw error;
    console.warn(JSON.stringify({ message: "trigger not recorded", run_id: runId, error: String(error) }));
    return refuse(OVERLOADED);
  }
}

/** The payload once more: a stream that was stored already is read from there. */
async function reread(env: Env, payload: EncodedPayload, parcel: PayloadParcel): Promise<EncodedPayload> {
  if (!(payload.body instanceof ReadableStream)) return payload;
  const held = (): Promise<never> => Promise.reject(new Error("a parcel that was just made is held nowhere"));
  const body = await openPayloadStream(env.PAYLOADS, parcel, held);
  return { ...descriptionOf(parcel), body };
}

/** The run has its payload already. Best effort: what stays is harmless, and lies where the run's retention deletes it. */
async function discard(env: Env, parcel: PayloadParcel): Promise<void> {
  if (parcel.at !== "r2") return;
  await within(R2_LIMIT_MS, "R2", env.PAYLOADS.delete(parcel.key)).catch((error: unknown) => {
    console.warn(JSON.stringify({ message: "duplicate payload not deleted", key: parcel.key, error: String(error) }));
  });
}

function impossibleDelay(delayMs: number): Problem {
  return {
    code: "invalid_request",
    detail: `A trigger cannot be delayed by ${delayMs} ms.`,
    hint: "A delay is at most 30d; a time further away is a matter for a schedule.",
  };
}

const OVERLOADED: Problem = {
  code: "overloaded",
  detail: "The trigger could not be recorded now; nothing was started.",
  hint: "Send it again in a moment, with an idempotency key if it must not run twice.",
};

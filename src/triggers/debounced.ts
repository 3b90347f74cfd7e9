/**
 * Triggers of a task with `debounce`: those that come within its delay of one another, with the same key, share one run, which
 * starts when the delay has passed since the last of them, with its payload; at the latest `max_wait` after the first.
 *
 * The object of the window names the run; the run decides whether it may still be postponed. If it has started in between, the
 * next window begins. A window lives in the run, not in a timer, so nothing is lost with a worker.
 *
 * A trigger with an idempotency key has been accepted if a run has taken its payload, and only that run can tell. The window remembers
 * which run was named for the key; if that is not the one of the open window, it is asked first. Keys are known within their window's
 * object, that is for one task and one value of `debounce.key`.
 */
import { runIdFromBytes, type RunId } from "../domain/ids.ts";
import { descriptionOf, type PayloadParcel } from "../domain/payload.ts";
import type { DebouncePlan } from "../domain/plan/plan.ts";
import { ok, refuse, type Result } from "../domain/problem.ts";
import type { RunStatus } from "../domain/statuses.ts";
import { FORMAT_VERSION } from "../domain/version.ts";
import { triggerKeyInput, type TriggerKey } from "../domain/trigger-key.ts";
import { debounceName, type WindowAnswer } from "../objects/debounce/debounce-rpc.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import { payloadKey } from "../payloads/limit-keys.ts";
import { openPayloadStream } from "../payloads/payload-store.ts";
import { callWithRetries } from "../platform/calls.ts";
import type { callRun } from "../objects/run/run-client.ts";
import { readAcceptAnswer } from "../objects/run/lease-rpc.ts";
import type { AcceptText, PostponingTrigger } from "../objects/run/run-rpc.ts";
import { sha256 } from "../platform/sha256.ts";
import {
  completionKeyFor,
  idempotencyMismatch,
  isCompared,
  limitKeysFor,
  type CheckedTrigger,
} from "./checked-trigger.ts";
import { answered, discard, TriggerPayloads } from "./trigger-payload.ts";

/** A key is remembered while its run may be there: so long beyond its retention. A run may wait and go on for so long. */
const KEPT_BEYOND_RETENTION_MS = 30 * 86_400_000;

const WHAT = "the window of a debounced task";

/** What accepts for one deployment, in one invocation. */
export interface DebounceDependencies {
  readonly env: Env;
  readonly callRun: typeof callRun;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** Finds the run of the open window, or opens one. Refuses as `AcceptTrigger` does. */
export async function acceptDebounced(
  { env, callRun, waitUntil }: DebounceDependencies,
  debounce: DebouncePlan,
  trigger: CheckedTrigger,
): Promise<
  Result<{ readonly runId: RunId; readonly status: RunStatus; readonly deduplicated: boolean }>
> {
  const { task, payload, idempotencyKey, graph, origin } = trigger;
  const window = new Window(env, task, await debounceKeyOf(debounce, payload), {
    key: idempotencyKey === null ? null : await keyDigest(task, idempotencyKey),
    keepMs: graph.retentionMs + KEPT_BEYOND_RETENTION_MS,
  });
  const ofTrigger = {
    v: FORMAT_VERSION,
    nonce: crypto.randomUUID(),
    graph,
    origin,
    ...completionKeyFor(graph),
    ...(await limitKeysFor(graph, payload)),
    ...(window.key !== null && { key: window.key }),
    ...waitOf(debounce, trigger.delayMs),
  };
  const stored: PayloadParcel[] = [];
  let body = payload;
  for (;;) {
    const named: Result<WindowAnswer> = await answered(null, window.next());
    if (!named.ok) return named;
    const { runId, is }: WindowAnswer = named.value;
    const payloads = new TriggerPayloads(
      env,
      callRun,
      runId,
      ofTrigger.nonce,
      graph.inlineLimitBytes,
    );
    const carried = isCompared(idempotencyKey)
      ? await payloads.storeDigested(body)
      : await payloads
          .store(body)
          .then((parcel) => (parcel.ok ? ok({ parcel: parcel.value }) : parcel));
    if (!carried.ok) return carried;
    const { parcel, ...digest } = carried.value;
    stored.push(parcel);
    const request: PostponingTrigger = {
      ...ofTrigger,
      runId,
      payload: parcel,
      ...digest,
      ...(is === "open" && !window.hasOpened(runId) && { mustBeThere: true }),
    };
    const answer: Result<AcceptText | null> = await answered(
      runId,
      callRun(env, runId, (run) =>
        is === "named" ? run.joinedBefore(request) : run.acceptOrPostpone(request),
      ),
    );
    if (!answer.ok) return answer;
    if (answer.value !== null) {
      const { status, outcome } = readAcceptAnswer(answer.value);
      const isTaken = outcome === "recorded" || outcome === "joined";
      for (const one of isTaken ? stored.slice(0, -1) : stored) waitUntil(discard(env, one));
      if (outcome === "mismatch") return refuse(idempotencyMismatch(task, idempotencyKey, runId));
      return ok({ runId, status, deduplicated: outcome !== "recorded" });
    }
    window.hasNot(named.value);
    body = await reread(env, payload, parcel);
  }
}

/** The run that has taken a debounced trigger with this key and payload; null: none is known. */
export async function debouncedRun(
  { env, callRun }: Pick<DebounceDependencies, "env" | "callRun">,
  debounce: DebouncePlan,
  {
    task,
    payload,
    idempotencyKey,
  }: Pick<CheckedTrigger, "task" | "payload"> & { readonly idempotencyKey: TriggerKey },
): Promise<RunId | null> {
  const name = debounceName(task, await debounceKeyOf(debounce, payload));
  const key = await keyDigest(task, idempotencyKey);
  const runId = await callWithRetries(WHAT, () => env.DEBOUNCES.getByName(name).namedFor(key));
  if (runId === null) return null;
  const answer = await callRun(env, runId, (run) => run.joinedBefore({ nonce: "only asks", key }));
  return answer === null ? null : runId;
}

/** The windows of one trigger, one after the other. */
class Window {
  readonly key: string | null;
  readonly #env: Env;
  readonly #name: string;
  readonly #keepMs: number;
  /** Of a window that this trigger would open. */
  #fresh: RunId | null = null;
  #started: RunId | null = null;
  #notTakenBy: RunId | null = null;

  constructor(
    env: Env,
    task: string,
    debounceKey: string,
    of: { readonly key: string | null; readonly keepMs: number },
  ) {
    this.#env = env;
    this.#name = debounceName(task, debounceKey);
    this.key = of.key;
    this.#keepMs = of.keepMs;
  }

  /** The run that is to be asked next. */
  next(): Promise<WindowAnswer> {
    const fresh = runIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
    this.#fresh = fresh;
    const [key, keepMs, started, notTakenBy] = [
      this.key,
      this.#keepMs,
      this.#started,
      this.#notTakenBy,
    ];
    return callWithRetries(WHAT, () =>
      this.#env.DEBOUNCES.getByName(this.#name).window({ key, keepMs, started, notTakenBy, fresh }),
    );
  }

  /** Whether it is for this trigger to make the run, whatever an object of older code says of its window. */
  hasOpened(runId: RunId): boolean {
    return runId === this.#fresh;
  }

  /** This run has not taken the trigger: it has started before. */
  hasNot({ runId, is }: WindowAnswer): void {
    if (is !== "named") this.#started = runId;
    this.#notTakenBy = runId;
  }
}

/** The debounce key of a payload, as text: what is at the path, as JSON. Empty if the path leads nowhere or there is none. */
async function debounceKeyOf({ key }: DebouncePlan, payload: EncodedPayload): Promise<string> {
  return key === null ? "" : ((await payloadKey(key, payload)) ?? "");
}

/** What is kept of an idempotency key, longer than its run may be: 128 bits of a digest. */
async function keyDigest(task: string, key: TriggerKey): Promise<string> {
  const digest = await sha256(triggerKeyInput(task, key));
  return digest.subarray(0, 16).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** How long the root waits: as long as the task's debounce says, or the trigger's own delay if that is longer. */
function waitOf(
  { delayMs: ofTask, maxWaitMs }: DebouncePlan,
  delayMs: number,
): { readonly delayMs: number; readonly maxWaitMs?: number } {
  const wait = Math.max(ofTask, delayMs);
  return maxWaitMs === null ? { delayMs: wait } : { delayMs: Math.min(wait, maxWaitMs), maxWaitMs };
}

/** The payload once more: a stream that was stored already is read from there. */
async function reread(
  env: Env,
  payload: EncodedPayload,
  parcel: PayloadParcel,
): Promise<EncodedPayload> {
  if (!(payload.body instanceof ReadableStream)) return payload;
  const held = (): Promise<never> =>
    Promise.reject(new Error("a parcel that was just made is held nowhere"));
  const body = await openPayloadStream(env.PAYLOADS, parcel, held);
  return { ...descriptionOf(parcel), body };
}

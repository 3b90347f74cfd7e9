/**
 * Accepts triggers of a task with `debounce`. Triggers with the same debounce key, each within the
 * delay of the last, share one run. The run starts with the last payload when the delay has passed,
 * at the latest `max_wait` after the first trigger.
 *
 * The debounce object names the run of the window; the run itself decides whether it may still be
 * postponed. If the run has started meanwhile, the next window begins. The window lives in the run,
 * not in a timer, so a dying worker loses nothing.
 *
 * A trigger with an idempotency key is accepted if a run has taken its payload, and only that run
 * knows. The window remembers which run was named for the key. If that is not the run of the open
 * window, it is asked first. With a `debounce.key`, a key is bound to one window of the task (see
 * debounce-keys.ts).
 */
import { runIdFromBytes, type RunId } from "../domain/ids.ts";
import { descriptionOf, type NewPayload } from "../domain/payload.ts";
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
import { readAcceptAnswer } from "../objects/run/grant-text-rpc.ts";
import type { AcceptText, PostponingTrigger } from "../objects/run/accept-rpc.ts";
import { sha256 } from "../platform/sha256.ts";
import {
  completionKeyFor,
  idempotencyMismatch,
  isCompared,
  limitKeysFor,
  type CheckedTrigger,
} from "./checked-trigger.ts";
import { bindKey, runOfKey } from "./debounce-keys.ts";
import { answered, discard, TriggerPayloads } from "./trigger-payload.ts";

/** A key is remembered beyond its run's retention: a run may wait and continue for this long. */
const KEPT_BEYOND_RETENTION_MS = 30 * 86_400_000;

const WHAT = "the window of a debounced task";

/** Dependencies of one accepting invocation. */
export interface DebounceDependencies {
  readonly env: Env;
  readonly callRun: typeof callRun;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** Finds the run of the open window, or opens a window. Refuses like `AcceptTrigger`. */
export async function acceptDebounced(
  { env, callRun, waitUntil }: DebounceDependencies,
  debounce: DebouncePlan,
  trigger: CheckedTrigger,
): Promise<
  Result<{ readonly runId: RunId; readonly status: RunStatus; readonly deduplicated: boolean }>
> {
  const { task, payload, idempotencyKey, graph, origin } = trigger;
  const name = debounceName(task, await debounceKeyOf(debounce, payload));
  const digest = idempotencyKey === null ? null : await keyDigest(task, idempotencyKey);
  const keepMs = graph.retentionMs + KEPT_BEYOND_RETENTION_MS;
  if (digest !== null && comesWithOthers(debounce, idempotencyKey)) {
    const key = idempotencyKey;
    const bound = await bindKey({ env, callRun }, { task, key, digest, window: name, keepMs });
    if (!bound.ok) return bound;
  }
  const window = new Window(env, name, { key: digest, keepMs });
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
  const stored: NewPayload[] = [];
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
          .then((newPayload) =>
            newPayload.ok ? ok({ newPayload: newPayload.value }) : newPayload,
          );
    if (!carried.ok) return carried;
    const { newPayload, ...digest } = carried.value;
    stored.push(newPayload);
    const request: PostponingTrigger = {
      ...ofTrigger,
      runId,
      payload: newPayload,
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
    body = await reread(env, payload, newPayload);
  }
}

/** Finds the run that took a debounced trigger with this key and payload; null if none is known. */
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
  const digest = await keyDigest(task, idempotencyKey);
  return runOfKey(callRun, env, () => env.DEBOUNCES.getByName(name), digest);
}

/**
 * True if the key may be sent with payloads of several windows, which is to be refused. The key of
 * a task's own trigger contains its payload's digest.
 */
function comesWithOthers({ key: path }: DebouncePlan, key: TriggerKey | null): key is TriggerKey {
  return path !== null && key !== null && key.kind !== "child" && isCompared(key);
}

/** The successive windows of one trigger. */
class Window {
  readonly key: string | null;
  readonly #env: Env;
  readonly #name: string;
  readonly #keepMs: number;
  /** The id for a run of a window that this trigger would open. */
  #fresh: RunId | null = null;
  #started: RunId | null = null;
  #notTakenBy: RunId | null = null;

  constructor(
    env: Env,
    name: string,
    of: { readonly key: string | null; readonly keepMs: number },
  ) {
    this.#env = env;
    this.#name = name;
    this.key = of.key;
    this.#keepMs = of.keepMs;
  }

  /** Names the run to ask next. */
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

  /** True if this trigger creates the run, whatever an object of older code says of its window. */
  hasOpened(runId: RunId): boolean {
    return runId === this.#fresh;
  }

  /** Notes that the run has not taken the trigger because it had started before. */
  hasNot({ runId, is }: WindowAnswer): void {
    if (is !== "named") this.#started = runId;
    this.#notTakenBy = runId;
  }
}

/**
 * The debounce key of a payload: the value at the path, as JSON. Empty without a path or a value.
 */
async function debounceKeyOf({ key }: DebouncePlan, payload: EncodedPayload): Promise<string> {
  return key === null ? "" : ((await payloadKey(key, payload)) ?? "");
}

/**
 * The stored form of an idempotency key: 128 bits of its digest. It may be kept longer than the
 * run.
 */
async function keyDigest(task: string, key: TriggerKey): Promise<string> {
  const digest = await sha256(triggerKeyInput(task, key));
  return digest.subarray(0, 16).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The root's delay: the task's debounce delay, or the trigger's own delay if longer. */
function waitOf(
  { delayMs: ofTask, maxWaitMs }: DebouncePlan,
  delayMs: number,
): { readonly delayMs: number; readonly maxWaitMs?: number } {
  const wait = Math.max(ofTask, delayMs);
  return maxWaitMs === null ? { delayMs: wait } : { delayMs: Math.min(wait, maxWaitMs), maxWaitMs };
}

/** Opens the payload again. A stream is read from the stored copy. */
async function reread(
  env: Env,
  payload: EncodedPayload,
  newPayload: NewPayload,
): Promise<EncodedPayload> {
  if (!(payload.body instanceof ReadableStream)) return payload;
  const held = (): Promise<never> => Promise.reject(new Error("a new payload is held nowhere"));
  const body = await openPayloadStream(env.PAYLOADS, newPayload, held);
  return { ...descriptionOf(newPayload), body };
}

/**
 * Stores a trigger's payload before its run is recorded. An upload to R2 is announced to the
 * run object, which deletes the object if this invocation dies before the run is recorded.
 */
import type { RunId } from "../domain/ids.ts";
import { isEntryTooLarge } from "../domain/run/entry-too-large.ts";
import type { NewPayload } from "../domain/payload.ts";
import { ok, ProblemError, refuse, type Problem, type Result } from "../domain/problem.ts";
import type { PayloadDigest } from "../domain/trigger-key.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import { digestOfHeld, PassingDigest } from "../payloads/payload-digest.ts";
import { storePayload, triggerPayloadKey } from "../payloads/payload-store.ts";
import { PayloadStoreError, R2_LIMIT_MS } from "../payloads/r2-calls.ts";
import { isTransient, within } from "../platform/calls.ts";
import type { callRun } from "../objects/run/run-client.ts";
import { log } from "../platform/log.ts";

export const OVERLOADED: Problem = {
  code: "overloaded",
  detail: "The trigger could not be recorded now; nothing was started.",
  hint: "Send it again in a moment, with an idempotency key if it must not run twice.",
};

/** Stores payloads for triggers of one run. */
export class TriggerPayloads {
  readonly #env: Env;
  readonly #callRun: typeof callRun;
  readonly #runId: RunId;
  readonly #inlineLimitBytes: number;
  readonly #nonce: string;
  #stored = 0;
  #announced: Promise<void> | null = null;

  /** `nonce`: the nonce of the accept request. */
  constructor(
    env: Env,
    call: typeof callRun,
    runId: RunId,
    nonce: string,
    inlineLimitBytes: number,
  ) {
    this.#nonce = nonce;
    this.#env = env;
    this.#callRun = call;
    this.#runId = runId;
    this.#inlineLimitBytes = inlineLimitBytes;
  }

  /**
   * Stores a payload. Refuses with the fault found in the stream, or with `overloaded`. Rejects
   * with the stream's own error.
   */
  async store(payload: EncodedPayload): Promise<Result<NewPayload>> {
    return this.#store(payload);
  }

  /** Same, and returns the digest of the stored bytes. */
  async storeDigested(
    payload: EncodedPayload,
  ): Promise<Result<{ readonly newPayload: NewPayload; readonly digest: PayloadDigest }>> {
    const { body } = payload;
    const passing = body instanceof Uint8Array ? null : new PassingDigest(payload);
    const newPayload = await this.#store(payload, passing);
    if (!newPayload.ok) return newPayload;
    const digest =
      body instanceof Uint8Array
        ? digestOfHeld({ ...payload, body, size: body.length })
        : passing?.end();
    return ok({ newPayload: newPayload.value, digest: (await digest) ?? "" });
  }

  #store(
    payload: EncodedPayload,
    passing: PassingDigest | null = null,
  ): Promise<Result<NewPayload>> {
    this.#stored += 1;
    const key = triggerPayloadKey(this.#runId, this.#nonce, this.#stored);
    const beforePut = (): Promise<void> => (this.#announced ??= this.#announce());
    const onBlock =
      passing === null ? undefined : (block: Uint8Array): Promise<void> => passing.take(block);
    return stored(this.#runId, () =>
      storePayload(this.#env.PAYLOADS, key, payload, this.#inlineLimitBytes, beforePut, onBlock),
    );
  }

  /** Announces the uploads to the run, once, before the first of them. */
  async #announce(): Promise<void> {
    const announced = await answered(
      this.#runId,
      this.#callRun(this.#env, this.#runId, (run) => run.expectPayload(this.#nonce)),
    );
    if (!announced.ok) throw new ProblemError(announced.problem);
  }
}

/**
 * Converts the errors of storing to refusals. Rejects with the error of the payload's own stream.
 */
export async function stored<T>(runId: RunId | null, store: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await store());
  } catch (error) {
    // Faults found while streaming, for the sender to correct: too large, or not the declared text.
    // Also `overloaded`.
    if (error instanceof ProblemError) return refuse(error.problem);
    if (!(error instanceof PayloadStoreError)) throw error;
    log("warn", "payload of a trigger not stored", { run_id: runId, error });
    return refuse(OVERLOADED);
  }
}

/**
 * The refusal of a run that cannot be recorded. Its payload in R2 is deleted by the alarm that the
 * announcement has set.
 */
const TOO_LARGE: Problem = {
  code: "payload_too_large",
  detail:
    "The run would be too large to be recorded: its graph, its origin and what it replays come to more than 16 MB.",
  hint: "Trigger a task with fewer tasks after it, or replay from a later one.",
};

/**
 * Awaits an object's answer. Refuses with `overloaded` if the infrastructure fails, and with
 * `payload_too_large` if the request is too large to be recorded.
 */
export async function answered<T>(runId: RunId | null, answer: Promise<T>): Promise<Result<T>> {
  try {
    return ok(await answer);
  } catch (error) {
    if (isEntryTooLarge(error)) return refuse(TOO_LARGE);
    if (!isTransient(error)) throw error;
    log("warn", "trigger not recorded", { run_id: runId, error });
    return refuse(OVERLOADED);
  }
}

/**
 * Deletes a payload without a run. Best effort: a remaining object is deleted by the run's
 * retention.
 */
export async function discard(env: Env, newPayload: NewPayload): Promise<void> {
  if (newPayload.at !== "r2") return;
  await within(R2_LIMIT_MS, "R2", env.PAYLOADS.delete(newPayload.key)).catch((error: unknown) => {
    log("warn", "duplicate payload not deleted", { key: newPayload.key, error });
  });
}

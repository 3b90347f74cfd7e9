/**
 * Stores the payloads of one attempt: inline in its settlement or step, or, above the inline limit,
 * in R2 under keys of the attempt.
 */
import type { NewPayload } from "../../domain/payload.ts";
import { ProblemError } from "../../domain/problem.ts";
import { encodePayload, type EncodedPayload } from "../../payloads/codec.ts";
import { attemptPayloadKey, storePayload } from "../../payloads/payload-store.ts";
import { callRun, type RunCaller } from "../../objects/run/run-client.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { DerivedKey } from "../../triggers/derived-key.ts";
import { AttemptOverError } from "../author/errors.ts";

export class OutputStore {
  readonly #lease: Lease;
  readonly #env: Env;
  #announced: Promise<void> | null = null;

  constructor(lease: Lease, env: Env) {
    this.#lease = lease;
    this.#env = env;
  }

  /**
   * Stores a payload of any kind. `part` names its role within the attempt. Rejects with a
   * `ProblemError` if `data` cannot be a payload.
   */
  async store(data: unknown, part: string): Promise<NewPayload> {
    const encoded = encodePayload(data);
    if (!encoded.ok) throw new ProblemError(encoded.problem);
    return this.storeEncoded(encoded.value, part);
  }

  async storeEncoded(payload: EncodedPayload, part: string): Promise<NewPayload> {
    const { runId, ordinal, attempt, token, inlineLimitBytes } = this.#lease;
    const key = attemptPayloadKey(runId, ordinal, attempt, token, part);
    return storePayload(this.#env.PAYLOADS, key, payload, inlineLimitBytes, () => this.#announce());
  }

  /** Stores the outputs for single children, by name. Returns null if there are none. */
  async storeAll(to: ReadonlyMap<string, unknown>): Promise<Record<string, NewPayload> | null> {
    if (to.size === 0) return null;
    const stored: Record<string, NewPayload> = {};
    for (const [child, data] of to) stored[child] = await this.store(data, child);
    return stored;
  }

  /** A key of the attempt for a stream whose final key is not known yet. */
  spool(): DerivedKey["spool"] {
    const { runId, ordinal, attempt, token } = this.#lease;
    const key = attemptPayloadKey(runId, ordinal, attempt, token, `spool-${crypto.randomUUID()}`);
    return { key, beforePut: () => this.#announce() };
  }

  /**
   * Announces the upload to the run before anything is in R2: if the attempt dies, only the run
   * knows of the object. Rejects if the run is deleted.
   */
  #announce(): Promise<void> {
    return (this.#announced ??= announceOutput((call) =>
      callRun(this.#env, this.#lease.runId, call),
    ));
  }
}

/**
 * Announces to the run that an attempt is about to write to R2. Rejects with an `AttemptOverError`
 * if the run is deleted.
 */
export async function announceOutput(call: RunCaller): Promise<void> {
  if (await call((run) => run.expectOutput())) return;
  throw new AttemptOverError("the run was deleted: what this attempt passes is for nobody");
}

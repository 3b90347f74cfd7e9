/** Where the payloads of one attempt go: into its settlement or step, or, above the inline limit, to R2 under keys of its own. */
import type { PayloadParcel } from "../../domain/payload.ts";
import { ProblemError } from "../../domain/problem.ts";
import { encodePayload, type EncodedPayload } from "../../payloads/codec.ts";
import { attemptPayloadKey, parcelPayload } from "../../payloads/payload-store.ts";
import { callRun, type RunCaller } from "../../objects/run/run-client.ts";
import type { Lease } from "../../objects/run/run-rpc.ts";
import type { DerivedKey } from "../../triggers/derived-key.ts";
import { AttemptOverError } from "../author/errors.ts";

export class OutputStore {
  readonly #lease: Lease;
  readonly #env: Env;
  #expected: Promise<void> | null = null;

  constructor(lease: Lease, env: Env) {
    this.#lease = lease;
    this.#env = env;
  }

  /** Stores any payload; `part` names what of the attempt it is. Rejects with a `ProblemError` if it is none. */
  async parcel(data: unknown, part: string): Promise<PayloadParcel> {
    const encoded = encodePayload(data);
    if (!encoded.ok) throw new ProblemError(encoded.problem);
    return this.parcelEncoded(encoded.value, part);
  }

  async parcelEncoded(payload: EncodedPayload, part: string): Promise<PayloadParcel> {
    const { runId, ordinal, attempt, token, inlineLimitBytes } = this.#lease;
    const key = attemptPayloadKey(runId, ordinal, attempt, token, part);
    return parcelPayload(this.#env.PAYLOADS, key, payload, inlineLimitBytes, () => this.#expect());
  }

  /** What goes to single children, by name; null if nothing does. */
  async parcelAll(to: ReadonlyMap<string, unknown>): Promise<Record<string, PayloadParcel> | null> {
    if (to.size === 0) return null;
    const parcels: Record<string, PayloadParcel> = {};
    for (const [child, data] of to) parcels[child] = await this.parcel(data, child);
    return parcels;
  }

  /** Where the attempt may put a stream until it is known what to call it. */
  spool(): DerivedKey["spool"] {
    const { runId, ordinal, attempt, token } = this.#lease;
    const key = attemptPayloadKey(runId, ordinal, attempt, token, `spool-${crypto.randomUUID()}`);
    return { key, beforePut: () => this.#expect() };
  }

  /** The run must know before there is anything in R2: should this attempt die, nobody else does. Rejects if the run is no more. */
  #expect(): Promise<void> {
    return (this.#expected ??= announceOutput((call) =>
      callRun(this.#env, this.#lease.runId, call),
    ));
  }
}

/** Tells the run that an attempt is about to put something into R2. Rejects with an `AttemptOverError` if the run is no more. */
export async function announceOutput(call: RunCaller): Promise<void> {
  if (await call((run) => run.expectOutput())) return;
  throw new AttemptOverError("the run was deleted: what this attempt passes is for nobody");
}

/**
 * The steps of one attempt. The result of a step that an earlier attempt finished is returned from
 * the record; any other step runs, and its result is recorded with the run before it is returned.
 * Large results go to R2 first, under a key of the attempt, and never through the run object.
 *
 * The run object records a step only for the attempt that holds the lease. If recording is refused,
 * this attempt is over: another attempt may be running without knowing the step.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { ProblemError } from "../../domain/problem.ts";
import { decodePayload, encodePayload, type EncodedPayload } from "../../payloads/codec.ts";
import { openPayload } from "../../payloads/payload-store.ts";
import { refuseLargeValue } from "../../payloads/value-limit.ts";
import { callRun } from "../../objects/run/run-client.ts";
import type { FinishedStep, Lease } from "../../objects/run/lease-rpc.ts";
import type { AttemptCancellation } from "./cancellation.ts";
import { OutputStore } from "./output-store.ts";
import { AttemptOverError, NonRetryableError } from "../author/errors.ts";

/** Steps of a task, over all of its attempts. */
const MAX_STEPS = 1_000;
/** Characters. */
const MAX_NAME = 200;

const ELSEWHERE = "Return a stream, or put it into a bucket and return its key.";

interface Running {
  readonly of: AttemptSteps;
  readonly name: string;
}

const running = new AsyncLocalStorage<Running>();

/** The name of the step of this attempt that the caller runs in, or null. */
export function currentStep(of: AttemptSteps | null): string | null {
  const step = running.getStore();
  return step !== undefined && step.of === of ? step.name : null;
}

export class AttemptSteps {
  readonly #lease: Lease;
  readonly #cancellation: AttemptCancellation;
  readonly #env: Env;
  readonly #outputs: OutputStore;
  /** Names used by this attempt. */
  readonly #used = new Set<string>();
  readonly #running = new Set<string>();
  /** Running steps that do work, without those waiting for another run. */
  readonly #busy = new Set<string>();
  #begun = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(lease: Lease, cancellation: AttemptCancellation, env: Env) {
    this.#lease = lease;
    this.#cancellation = cancellation;
    this.#env = env;
    this.#outputs = new OutputStore(lease, env);
  }

  /**
   * Returns the result of the step, from an earlier attempt or from running `fn` now. Rejects with
   * the error of `fn`.
   */
  async step(name: string, fn: () => unknown): Promise<unknown> {
    this.#refuse(name);
    this.#used.add(name);
    const known = this.#lease.steps?.find((step) => step.name === name);
    if (known !== undefined) return this.#open(known.payload);
    this.#begun += 1;
    const number = this.#begun;
    this.#running.add(name);
    this.#busy.add(name);
    try {
      return await this.#record(
        name,
        number,
        await running.run({ of: this, name }, async () => fn()),
      );
    } catch (error) {
      // The attempt may try the same step again.
      this.#used.delete(name);
      throw error;
    } finally {
      this.#running.delete(name);
      this.#rest(name);
    }
  }

  /** Waits for another run. A step that waits does not hold up a suspension. */
  async waiting<T>(wait: () => Promise<T>): Promise<T> {
    const step = currentStep(this);
    if (step === null) return wait();
    this.#rest(step);
    try {
      return await wait();
    } finally {
      if (this.#running.has(step)) this.#busy.add(step);
    }
  }

  /** Resolves once no step does work. */
  async idle(): Promise<void> {
    if (this.#busy.size === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  #rest(name: string): void {
    this.#busy.delete(name);
    if (this.#busy.size > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
  }

  #refuse(name: string): void {
    const outer = currentStep(this);
    const { task } = this.#lease;
    if (outer !== null)
      throw new NonRetryableError(
        `step "${name}" of "${task}" was begun within the step "${outer}"; a step is kept as a whole, so it cannot hold another: call them one after the other`,
      );
    if (typeof name !== "string" || name === "" || name.length > MAX_NAME)
      throw new NonRetryableError(
        `a step's name has 1 to ${MAX_NAME} characters, given ${JSON.stringify(name).slice(0, 2 * MAX_NAME)}`,
      );
    if (this.#used.has(name))
      throw new NonRetryableError(
        `"${task}" has two steps "${name}" in one attempt; each needs a name of its own, such as \`${name} \${index}\` in a loop`,
      );
    if ((this.#lease.steps?.length ?? 0) + this.#begun >= MAX_STEPS)
      throw new NonRetryableError(
        `"${task}" has more than ${MAX_STEPS} steps; let one step do more, or make them tasks of their own`,
      );
  }

  async #record(name: string, number: number, value: unknown): Promise<unknown> {
    this.#cancellation.throwIfCancelled();
    const encoded = encodePayload(value);
    if (!encoded.ok) throw new ProblemError(encoded.problem);
    const { kind, size } = encoded.value;
    // A later attempt could not open a larger value.
    if (kind !== "stream" && size !== null)
      refuseLargeValue(`What the step "${name}" came to`, size, ELSEWHERE);
    const { runId, ordinal, attempt, token } = this.#lease;
    const result = await this.#outputs.storeEncoded(encoded.value, `step:${number}`);
    const step: FinishedStep = { ordinal, attempt, token, name, result };
    const isKept = await callRun(this.#env, runId, (run) => run.recordStep(step));
    if (!isKept) {
      const over = new AttemptOverError(
        `step "${name}" was not kept: this attempt of "${this.#lease.task}" is over, its run was cancelled or another attempt has begun`,
      );
      this.#cancellation.cancel(() => over);
      throw over;
    }
    return this.#asRead(value, encoded.value, result);
  }

  /**
   * The value as a later attempt will read it. Bytes and texts are returned as they are; a stream
   * has been consumed and is opened again.
   */
  async #asRead(
    value: unknown,
    encoded: EncodedPayload,
    stored: FinishedStep["result"],
  ): Promise<unknown> {
    const { body, ...description } = encoded;
    if (encoded.kind === "json" && body instanceof Uint8Array)
      return decodePayload({ ...description, size: body.length }, body);
    return encoded.kind === "stream" ? this.#open(stored) : value;
  }

  #open(payload: Parameters<typeof openPayload>[1]): Promise<unknown> {
    return openPayload(this.#env.PAYLOADS, payload, (seq, offset, size) =>
      callRun(this.#env, this.#lease.runId, (run) => run.held(seq, offset, size)),
    );
  }
}

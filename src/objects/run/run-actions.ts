/**
 * Cancels or retries the run once for each call. A repeated call, because the answer was lost,
 * changes nothing more, whatever happened to the run since, and gets the same answer.
 *
 * The names of the last calls are stored beside the journal, in the same commit, and deleted
 * together. The journal is no place for the names: older code would wait for newer code because of
 * an unknown field.
 */
import type { Run } from "../../domain/run/state.ts";
import type { RunController } from "./run-controller.ts";
import type { CancelOptions, RetryOutcome } from "./run-rpc.ts";

const KEY = "action_calls";

/**
 * Number of remembered calls. A caller repeats a call within seconds; a redelivered outbox entry is
 * one call in minutes.
 */
const KEPT = 8;

export class RunActions {
  readonly #storage: Pick<DurableObjectStorage, "kv">;
  readonly #controller: Pick<RunController, "load" | "cancel" | "retry">;

  constructor(
    storage: Pick<DurableObjectStorage, "kv">,
    controller: Pick<RunController, "load" | "cancel" | "retry">,
  ) {
    this.#storage = storage;
    this.#controller = controller;
  }

  /** Returns whether this call cancelled anything, and the current run; null if no run exists. */
  cancel({
    children,
    call,
    by,
  }: CancelOptions): { readonly cancelled: boolean; readonly run: Run } | null {
    const known = this.#runOf(call);
    if (known !== null) return { cancelled: true, run: known };
    const answer = this.#controller.cancel(children, by);
    if (answer?.cancelled === true) this.#note(call);
    return answer;
  }

  /**
   * Returns whether this call retried the run, and the current run; null if no run exists, or the
   * retention is over.
   */
  retry(call?: string, by?: string): { readonly outcome: RetryOutcome; readonly run: Run } | null {
    const known = this.#runOf(call);
    if (known !== null) return { outcome: "retried", run: known };
    const answer = this.#controller.retry(by);
    if (answer?.outcome === "retried") this.#note(call);
    return answer;
  }

  /** Returns the run if this call has already changed the run. */
  #runOf(call: string | undefined): Run | null {
    return call !== undefined && this.#calls().includes(call) ? this.#controller.load() : null;
  }

  #note(call: string | undefined): void {
    if (call !== undefined) this.#storage.kv.put(KEY, [...this.#calls(), call].slice(-KEPT));
  }

  #calls(): readonly string[] {
    return this.#storage.kv.get<string[]>(KEY) ?? [];
  }
}

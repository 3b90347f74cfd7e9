/**
 * Cancels the run, or has it go on, once for each call: one that is made again, since its answer was lost, changes nothing more, whatever
 * has happened to the run meanwhile, and is answered as it would have been.
 *
 * The names of the last calls lie beside the journal, written in the same commit, and go with it. Not in the journal: older code would
 * wait for newer with a field that it does not know.
 */
import type { Run } from "../../domain/run/state.ts";
import type { RunProtocol } from "./run-controller.ts";
import type { CancelOptions, RetryOutcome } from "./run-rpc.ts";

const KEY = "steered";

/** Who makes a call again does so within seconds; a debt that is paid again is one call in minutes. */
const KEPT = 8;

export class Steering {
  readonly #storage: Pick<DurableObjectStorage, "kv">;
  readonly #protocol: Pick<RunProtocol, "load" | "cancel" | "retry">;

  constructor(
    storage: Pick<DurableObjectStorage, "kv">,
    protocol: Pick<RunProtocol, "load" | "cancel" | "retry">,
  ) {
    this.#storage = storage;
    this.#protocol = protocol;
  }

  /** Whether this call has cancelled anything, with the run as it is now; null if there is none. */
  cancel({
    children,
    call,
  }: CancelOptions): { readonly cancelled: boolean; readonly run: Run } | null {
    const known = this.#runOf(call);
    if (known !== null) return { cancelled: true, run: known };
    const answer = this.#protocol.cancel(children);
    if (answer?.cancelled === true) this.#note(call);
    return answer;
  }

  /** Whether this call has the run go on, with the run as it is now; null if there is none, or its retention is over. */
  retry(call?: string): { readonly outcome: RetryOutcome; readonly run: Run } | null {
    const known = this.#runOf(call);
    if (known !== null) return { outcome: "retried", run: known };
    const answer = this.#protocol.retry();
    if (answer?.outcome === "retried") this.#note(call);
    return answer;
  }

  /** The run, if this call has changed it before. */
  #runOf(call: string | undefined): Run | null {
    return call !== undefined && this.#calls().includes(call) ? this.#protocol.load() : null;
  }

  #note(call: string | undefined): void {
    if (call !== undefined) this.#storage.kv.put(KEY, [...this.#calls(), call].slice(-KEPT));
  }

  #calls(): readonly string[] {
    return this.#storage.kv.get<string[]>(KEY) ?? [];
  }
}

/** All storage of an executor object: its one order. */
import type { RunId } from "../core/ids.ts";

export interface ExecutorOrder {
  readonly runId: RunId;
  readonly ordinal: number;
  /** Once claimed: which attempt runs here. */
  readonly lease: { readonly attempt: number; readonly token: number } | null;
}

const KEY = "order";

export class ExecutorStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  order(): ExecutorOrder | null {
    return this.#storage.kv.get<ExecutorOrder>(KEY) ?? null;
  }

  note(order: ExecutorOrder): void {
    this.#storage.kv.put(KEY, order);
  }
}

/** Storage of an executor object: a single order. */
import type { ExecutorOrder } from "./executor-order.ts";

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

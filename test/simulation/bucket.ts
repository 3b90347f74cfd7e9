/** R2 as the payload store uses it, with its retries. */
import type { RunId } from "../../src/core/ids.ts";
import { PassingError, StoreError, type Invocation } from "./invocation.ts";

/** As in payload/r2-calls.ts. */
const PAUSES_MS = [100, 400, 1_500];

export class Bucket {
  readonly objects = new Map<string, Uint8Array>();

  put(from: Invocation, key: string, bytes: Uint8Array): Promise<void> {
    return this.#tried(from, `put ${key}`, () => void this.objects.set(key, bytes));
  }

  get(from: Invocation, key: string): Promise<Uint8Array | null> {
    return this.#tried(from, `get ${key}`, () => this.objects.get(key) ?? null);
  }

  delete(from: Invocation, key: string): Promise<void> {
    return this.#tried(from, `delete ${key}`, () => void this.objects.delete(key));
  }

  /** As `deleteRunPayloads`. */
  async deleteRun(from: Invocation, runId: RunId): Promise<void> {
    const prefix = `runs/${runId}/`;
    const keys = await this.#tried(from, `list ${prefix}`, () =>
      [...this.objects.keys()].filter((key) => key.startsWith(prefix)),
    );
    if (keys.length > 0)
      await this.#tried(from, `delete ${keys.length} under ${prefix}`, () =>
        keys.forEach((key) => this.objects.delete(key)),
      );
  }

  async #tried<T>(from: Invocation, what: string, perform: () => T): Promise<T> {
    const { ground } = from;
    try {
      return await from.retrying(PAUSES_MS, async () => {
        await from.pause(ground.dice.between(5, 40));
        if (ground.strikes("r2_refused", () => what)) throw new PassingError("R2 refused");
        const answer = perform();
        if (ground.strikes("r2_unsure", () => what)) throw new PassingError("R2 gave no answer");
        return answer;
      });
    } catch (error) {
      throw error instanceof PassingError ? new StoreError(`R2 could not ${what}`) : error;
    }
  }
}

/**
 * Idempotency keys for triggers without a key of their author's. A key is derived from the content,
 * so a later attempt finds the same runs again, in whatever order it triggers. A refused trigger
 * gives its key back: triggered again, the same content has the same key.
 */
import { childTriggerKey, type PayloadDigest, type TriggerKey } from "../../domain/trigger-key.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { DerivedKey } from "../../triggers/derived-key.ts";
import type { OutputStore } from "./output-store.ts";
import { Turns } from "../author/turns.ts";

export interface ChildKey extends DerivedKey {
  /** Releases the key after the trigger was refused. */
  readonly giveBack: () => void;
}

export class ChildKeys {
  readonly #lease: Pick<Lease, "runId" | "task" | "item">;
  readonly #outputs: OutputStore;
  readonly #turns = new Turns();

  constructor(lease: Pick<Lease, "runId" | "task" | "item">, outputs: OutputStore) {
    this.#lease = lease;
    this.#outputs = outputs;
  }

  /** The key of the next trigger of `target`, in the step of this name. */
  of(target: string, step: string | null): ChildKey {
    const { runId, task, item } = this.#lease;
    let taken: { readonly thing: string; readonly nth: number } | null = null;
    return {
      spool: this.#outputs.spool(),
      derive: (digest: PayloadDigest): TriggerKey => {
        const thing = JSON.stringify([step, target, digest]);
        taken = { thing, nth: this.#turns.take(thing) };
        return childTriggerKey(
          { runId, task, item: item?.index ?? null, step },
          target,
          digest,
          taken.nth,
        );
      },
      giveBack: () => {
        if (taken !== null) this.#turns.giveBack(taken.thing, taken.nth);
        taken = null;
      },
    };
  }
}

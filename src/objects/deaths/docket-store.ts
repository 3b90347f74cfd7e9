/**
 * Stores the docket as one value: the suspects on trial, and the suspects waiting (see
 * domain/trials.ts).
 */
import type { Docket } from "../../domain/trials.ts";
import { FORMAT_VERSION, refuseNewer, type Versioned } from "../../domain/version.ts";

const KEY = "docket";

interface KeptDocket extends Versioned {
  readonly docket: Docket;
}

export class DocketStore {
  readonly #storage: Pick<DurableObjectStorage, "kv">;

  constructor(storage: Pick<DurableObjectStorage, "kv">) {
    this.#storage = storage;
  }

  docket(): Docket {
    const kept = this.#storage.kv.get<KeptDocket>(KEY);
    if (kept === undefined) return [];
    refuseNewer(kept, "the docket of suspects");
    return kept.docket;
  }

  keep(docket: Docket): void {
    if (docket.length > 0)
      this.#storage.kv.put(KEY, { v: FORMAT_VERSION, docket } satisfies KeptDocket);
    else this.#storage.kv.delete(KEY);
  }
}

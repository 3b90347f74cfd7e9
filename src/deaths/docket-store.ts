/** Which suspects are tried now, or wait for it (see core/trials.ts): one value. */
import type { Docket } from "../core/trials.ts";
import { FORMAT_VERSION, refuseNewer, type Versioned } from "../core/version.ts";

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
    if (docket.length > 0) this.#storage.kv.put(KEY, { v: FORMAT_VERSION, docket } satisfies KeptDocket);
    else this.#storage.kv.delete(KEY);
  }
}

/** A kind of simulated worlds: what `npm run simulate` needs to know of it. */
import type { Thread } from "../engine-simulation/seeds/batch.ts";
import { CORE_FAULTS, type Fault } from "../engine-simulation/ground/faults.ts";
import type { Live } from "../engine-simulation/ground/ground.ts";
import { simulate } from "./world.ts";

export interface Kind {
  /** By which the command is told; null: it needs none. */
  readonly flag: string | null;
  readonly faults: readonly Fault[];
  /** Makes ready what its worlds run. */
  open: () => Promise<{ readonly live: Live; readonly thread: Thread }>;
}

const THREAD: Thread = { file: new URL("./batch-thread.ts", import.meta.url), worker: null };

/** The worlds of this folder. */
export const CORE: Kind = {
  flag: "--core",
  faults: CORE_FAULTS,
  open: () => Promise.resolve({ live: simulate, thread: THREAD }),
};

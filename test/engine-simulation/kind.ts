/** The worlds of this folder, for `npm run simulate`. */
import { FAULTS } from "./ground/faults.ts";
import type { Kind } from "../simulation/kind.ts";
import { bundleWorker, workerCode } from "./platform/bundle.ts";
import { simulate } from "./world.ts";

const FILE = new URL("./seeds/batch-thread.ts", import.meta.url);

export const ENGINE: Kind = {
  flag: null,
  faults: FAULTS,
  open: async () => {
    const worker = await bundleWorker();
    const code = workerCode(worker);
    return { live: (seed, limits, telling) => simulate(code, seed, limits, telling), thread: { file: FILE, worker } };
  },
};

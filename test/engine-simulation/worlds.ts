/** The worlds of this folder, for `npm run simulate` and the tests. */
import type { Live } from "../../src/testing/ground/ground.ts";
import { bundleWorker } from "../../src/testing/platform/bundle.ts";
import { workerCode } from "../../src/testing/platform/worker-code.ts";
import type { Thread } from "./seeds/batch.ts";
import { simulate } from "./world.ts";

const FILE = new URL("./seeds/batch-thread.ts", import.meta.url);

/** Makes ready what the worlds run: for one here, and for many in threads. */
export async function openWorlds(): Promise<{ readonly live: Live; readonly thread: Thread }> {
  const worker = await bundleWorker();
  const code = workerCode(worker);
  return { live: (seed, limits, telling) => simulate(code, seed, limits, telling), thread: { file: FILE, worker } };
}

/**
 * A copy of the names of paused tasks, in R2. A caller that cannot reach the pauses object and
 * knows no state yet reads the copy, so that a paused task stays paused. No copy exists while no
 * task is paused. The copy may lag behind the object by a moment.
 */
import { within } from "../../platform/calls.ts";
import { callR2 } from "../../payloads/r2-calls.ts";

const KEY = "pauses/paused.json";
/** Time limit of a read: the caller has already waited for the object. Milliseconds. */
const LIMIT_MS = 1_000;

/** Writes the copy. Rejects with a `PayloadStoreError`. */
export async function writeCopy(bucket: R2Bucket, tasks: readonly string[]): Promise<void> {
  await callR2("note which tasks are paused", async () => {
    if (tasks.length === 0) await bucket.delete(KEY);
    else
      await bucket.put(KEY, JSON.stringify(tasks), {
        httpMetadata: { contentType: "application/json" },
      });
  });
}

/** Reads the names of paused tasks from the copy. Rejects if the copy cannot be read. */
export async function readCopy(bucket: R2Bucket): Promise<readonly string[]> {
  const text = await within(
    LIMIT_MS,
    "R2",
    bucket.get(KEY).then((object) => object?.text()),
  );
  const tasks: unknown = text === undefined ? [] : JSON.parse(text);
  return Array.isArray(tasks) ? tasks.filter((task) => typeof task === "string") : [];
}

/**
 * A copy of which tasks are paused, in R2: whoever cannot reach the controls object and knows nothing yet reads it, so that a paused
 * task stays paused. There is none while nothing is paused. It may lag behind the object by a moment.
 */
import { within } from "../../platform/calls.ts";
import { callR2 } from "../../payloads/r2-calls.ts";

const KEY = "controls/paused.json";
/** Somebody waits for it who has waited for the object already. Milliseconds. */
const LIMIT_MS = 1_000;

/** Rejects with a `PayloadStoreError`. */
export async function writeCopy(bucket: R2Bucket, tasks: readonly string[]): Promise<void> {
  await callR2("note which tasks are paused", async () => {
    if (tasks.length === 0) await bucket.delete(KEY);
    else
      await bucket.put(KEY, JSON.stringify(tasks), {
        httpMetadata: { contentType: "application/json" },
      });
  });
}

/** The names of the paused tasks, as far as the copy says; rejects if it cannot be read. */
export async function readCopy(bucket: R2Bucket): Promise<readonly string[]> {
  const text = await within(
    LIMIT_MS,
    "R2",
    bucket.get(KEY).then((object) => object?.text()),
  );
  const tasks: unknown = text === undefined ? [] : JSON.parse(text);
  return Array.isArray(tasks) ? tasks.filter((task) => typeof task === "string") : [];
}

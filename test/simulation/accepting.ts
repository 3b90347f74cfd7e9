/** What every trigger of the simulated world brings along, and what becomes of a payload that no run has taken. */
import type { PayloadParcel } from "../../src/core/payload-ref.ts";
import type { Bucket } from "./bucket.ts";
import type { Invocation } from "./invocation.ts";

export const OF_ALL = { completionKey: "signs nothing in this world" };

/** At best: what stays is deleted with its run. */
export async function discard(bucket: Bucket, from: Invocation, payload: PayloadParcel): Promise<void> {
  if (payload.at === "r2") await bucket.delete(from, payload.key).catch(() => undefined);
}

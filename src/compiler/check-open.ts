/** Checks `open`, the addresses that `openObject` may read: never the bucket with payloads. */
import { PAYLOADS_BINDING } from "../domain/payload-bucket.ts";
import type { Bindings } from "./buckets.ts";
import type { ConfCheck } from "./validate.ts";

/**
 * Reports each `open` that names the payload bucket: `openObject` would refuse each of its
 * addresses. The bucket is the third part of `s3://bucket/prefix`.
 */
export function checkOpen({ conf, loaded, report }: ConfCheck, bound: Bindings): void {
  for (const kind of ["tasks", "endpoints"] as const) {
    for (const [name, { open = [] }] of conf[kind]) {
      for (const [index, address] of open.entries()) {
        const [, , bucket = ""] = address.split("/");
        if (bound.get(bucket) !== PAYLOADS_BINDING) continue;
        report(
          "PEACH505",
          loaded.valueSpan(loaded.writtenPath([kind, name, "open", index])),
          `${kind}.${name}.open: \`${bucket}\` is where Peach keeps payloads, and is never opened`,
          { hint: "remove it: a task reads what others have passed by readFromParentTask" },
        );
      }
    }
  }
}

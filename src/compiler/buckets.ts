/**
 * The buckets that wrangler.toml binds, and the buckets that peach.conf names without a binding.
 */
import { PAYLOADS_BINDING } from "../domain/payload-bucket.ts";
import { nearest } from "../domain/nearest.ts";
import { isMapping } from "./schema-parts.ts";
import type { ConfCheck, ValidConf } from "./validate.ts";
import type { WranglerConfig } from "./wrangler-config.ts";

/** Binding names by `bucket_name`. */
export type Bindings = ReadonlyMap<string, string>;

/**
 * A bucket that must be bound before the pipeline can run, with a proposed name for the binding.
 */
export interface UnboundBucket {
  readonly bucket: string;
  readonly binding: string;
}

/** Reads the top-level R2 bindings. Entries without a name or a bucket are wrangler's to report. */
export function boundBuckets({ r2_buckets: bindings }: WranglerConfig): Bindings {
  const bound = new Map<string, string>();
  for (const one of Array.isArray(bindings) ? bindings : []) {
    const { bucket_name: bucket, binding } = isMapping(one) ? one : {};
    if (typeof bucket !== "string" || typeof binding !== "string") continue;
    // A bucket may have several bindings. The binding for payloads wins: the checks of payloads
    // apply.
    if (bound.get(bucket) !== PAYLOADS_BINDING) bound.set(bucket, binding);
  }
  return bound;
}

/** Lists the buckets that peach.conf names and wrangler.toml does not bind, without repetition. */
export function unboundBuckets(conf: ValidConf, bound: Bindings): UnboundBucket[] {
  const named = new Set(
    [...conf.tasks.values()].flatMap((task) =>
      (task.on?.r2 ?? []).flatMap(({ bucket }) => bucket ?? []),
    ),
  );
  return [...named]
    .filter((bucket) => !bound.has(bucket))
    .map((bucket) => ({ bucket, binding: bindingName(bucket, bound) }));
}

/**
 * Reports each `on.r2` whose bucket is not bound, with the lines to add to wrangler.toml. Also
 * refuses the payload bucket, where Peach's own writes would trigger runs.
 */
export function checkBuckets(
  { conf, loaded, report }: ConfCheck,
  bound: Bindings,
  wranglerPath: string,
): void {
  for (const [name, task] of conf.tasks) {
    for (const [index, { bucket }] of (task.on?.r2 ?? []).entries()) {
      if (bucket === undefined) continue;
      if (bound.get(bucket) === PAYLOADS_BINDING) {
        report(
          "PEACH504",
          loaded.valueSpan(["tasks", name, "on", "r2", index, "bucket"]),
          `tasks.${name}.on.r2: \`${bucket}\` is where Peach keeps payloads, and triggers nothing`,
          { hint: "have what triggers the task put into a bucket of its own" },
        );
        continue;
      }
      if (bound.has(bucket)) continue;
      const near = nearest(bucket, bound.keys());
      const lines = `[[r2_buckets]]\nbinding = "${bindingName(bucket, bound)}"\nbucket_name = "${bucket}"`;
      report(
        "PEACH503",
        loaded.valueSpan(["tasks", name, "on", "r2", index, "bucket"]),
        `tasks.${name}.on.r2: ${wranglerPath} binds no bucket called \`${bucket}\``,
        {
          hint: `${near === null ? "" : `did you mean \`${near}\`? If not, `}add these lines to ${wranglerPath}:\n${lines}`,
        },
      );
    }
  }
}

/**
 * Proposes a binding name: the bucket's name in upper case with `_`. A name that another bucket
 * already has gets the suffix `_BUCKET`.
 */
function bindingName(bucket: string, bound: Bindings): string {
  const upper = bucket.toUpperCase().replaceAll(/[^A-Z0-9]+/g, "_");
  const name = /^[A-Z]/.test(upper) ? upper : `BUCKET_${upper}`;
  return [...bound.values()].includes(name) ? `${name}_BUCKET` : name;
}

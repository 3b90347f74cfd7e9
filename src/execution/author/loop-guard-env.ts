/**
 * The bindings of a task. Objects that the task writes into a bucket whose events trigger tasks are
 * marked with its run, which breaks endless loops of triggers.
 */
import type { Plan } from "../../domain/plan/plan.ts";
import { LOOP_MARK_NAME, encodeLoopMark, type LoopMark } from "../../triggers/loop-guard.ts";

/** Wraps the bindings of such buckets. Returns `env` itself if no bucket triggers tasks. */
export function loopGuardEnv<Bindings extends object>(
  env: Bindings,
  plan: Plan,
  mark: LoopMark,
): Bindings {
  const bindings = triggeringBindings(plan);
  if (bindings.size === 0) return env;
  const marked = new Map<string, R2Bucket>();
  return new Proxy(env, {
    get(target, name): unknown {
      if (typeof name !== "string" || !bindings.has(name)) return Reflect.get(target, name);
      const before = marked.get(name);
      if (before !== undefined) return before;
      const bucket: R2Bucket | undefined = Reflect.get<object, string>(target, name);
      if (bucket === undefined) return bucket;
      const marking = guardedBucket(bucket, encodeLoopMark(mark));
      marked.set(name, marking);
      return marking;
    },
  });
}

/** A cache, since every task that reads its bindings asks. A plan never changes. */
const known = new WeakMap<Plan, ReadonlySet<string>>();

function triggeringBindings(plan: Plan): ReadonlySet<string> {
  const found = known.get(plan) ?? findTriggeringBindings(plan);
  known.set(plan, found);
  return found;
}

function findTriggeringBindings({ tasks, buckets }: Plan): ReadonlySet<string> {
  const rules = Object.values(tasks).flatMap(({ on }) => on.r2);
  return new Set(rules.flatMap(({ bucket }) => buckets[bucket] ?? []));
}

function guardedBucket(bucket: R2Bucket, text: string): R2Bucket {
  const marked = <Options extends R2MultipartOptions>(
    options: Options | undefined,
  ): Options | R2MultipartOptions => ({
    ...options,
    customMetadata: { ...options?.customMetadata, [LOOP_MARK_NAME]: text },
  });
  const replaced: Partial<Record<string | symbol, unknown>> = {
    put: (key: string, value: Parameters<R2Bucket["put"]>[1], options?: R2PutOptions) =>
      bucket.put(key, value, marked(options)),
    createMultipartUpload: (key: string, options?: R2MultipartOptions) =>
      bucket.createMultipartUpload(key, marked(options)),
  };
  return new Proxy(bucket, {
    get(target, name): unknown {
      const own = replaced[name];
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name);
      // Native methods need the native object as `this`.
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

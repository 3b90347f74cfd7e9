/**
 * A work as a function, for the two baselines: they differ in the carrier of a task, not in its
 * code.
 */
import {
  batonOf,
  blobOf,
  finish,
  stamp,
  WORKS,
  type Baton,
  type Shape,
  type WorkName,
} from "./works.ts";

/**
 * The output of a baseline's task: the baton, or the key of the object in R2 that holds the baton.
 */
export type Passed = Baton | { readonly key: string };

/** Executes one task of a run. Must record the output durably before resolving to it. */
export type CarryOut = (name: string, task: () => Promise<Passed>) => Promise<Passed>;

/** Performs the work to its end. */
export async function perform(
  work: WorkName,
  baton: Baton,
  bucket: R2Bucket,
  carryOut: CarryOut,
): Promise<void> {
  const shape: Shape = WORKS[work];
  switch (shape.kind) {
    case "chain": {
      const last = shape.tasks - 1;
      let passed: Passed = baton;
      for (let position = 0; position <= last; position += 1) {
        const read = asBaton(passed);
        const stamps = shape.stamps.includes(position);
        passed = await carryOut(`task_${position}`, async () =>
          position === last ? finish(read) : stamps ? stamp(read) : read,
        );
      }
      return;
    }
    case "fan": {
      const start = asBaton(await carryOut("start", async () => stamp(baton)));
      const branches = Array.from({ length: shape.width }, (_, branch) =>
        carryOut(`branch_${branch}`, async () => start),
      );
      const [first = start] = await Promise.all(branches);
      await carryOut("join", () => finish(asBaton(first)));
      return;
    }
    case "each": {
      const start = asBaton(await carryOut("start", async () => stamp(baton)));
      const items = Array.from({ length: shape.steps }, (_, item) =>
        carryOut(`item_${item}`, async () => ({ key: String(item) })),
      );
      await Promise.all(items);
      await carryOut("join", () => finish(start));
      return;
    }
    case "blobs": {
      const last = shape.tasks - 1;
      let key = "";
      for (let position = 0; position <= last; position += 1) {
        const parent = key;
        const own = `${baton.id}/${position}`;
        await carryOut(`task_${position}`, async () => {
          const blob = position === 0 ? blobOf(stamp(baton)) : await readBlob(bucket, parent);
          if (position === last) return finish(batonOf(blob));
          await bucket.put(own, blob);
          return { key: own };
        });
        key = own;
      }
    }
  }
}

function asBaton(passed: Passed): Baton {
  if ("key" in passed) throw new Error(`expected a baton, found the object ${passed.key}`);
  return passed;
}

async function readBlob(bucket: R2Bucket, key: string): Promise<Uint8Array> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`there is no object ${key}`);
  return new Uint8Array(await object.arrayBuffer());
}

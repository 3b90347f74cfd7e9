/** The tasks of the bench's peach.conf (`scripts/bench/conf.ts`). */
import { batonOf, blobOf, finish, stamp, WORKS, type Baton } from "../works.ts";

export function stamp_task(baton: Baton): Baton {
  return stamp(baton);
}

export function pass_task(baton: Baton): Baton {
  return baton;
}

export function finish_task(baton: Baton): Promise<Baton> {
  return finish(baton);
}

/** Joins a fan-out; reads an object keyed by task. */
export async function join_task(batons: Readonly<Record<string, Baton>>): Promise<Baton> {
  const [first] = Object.values(batons);
  if (first === undefined) throw new Error("the join read nothing");
  return finish(first);
}

/** Returns the array for `each`: the baton, and numbers that are the places of the items. */
export function first_each_task(baton: Baton): (Baton | number)[] {
  const { items } = WORKS.each;
  return Array.from({ length: items }, (_, item) => (item === 0 ? stamp(baton) : item));
}

export function item_task(item: Baton | number): Baton | number {
  return item;
}

export async function gathered_task(passed: readonly (Baton | number)[]): Promise<Baton> {
  const [baton] = passed;
  if (baton === undefined || typeof baton === "number")
    throw new Error("the first item has not passed the baton");
  const wrong = passed.findIndex((item, index) => index > 0 && item !== index);
  if (wrong !== -1 || passed.length !== WORKS.each.items)
    throw new Error(`of ${passed.length} items the one at ${wrong} is not in its place`);
  return finish(baton);
}

export function first_blob_task(baton: Baton): Uint8Array {
  return blobOf(stamp(baton));
}

export function pass_blob_task(blob: Uint8Array): Uint8Array {
  return blob;
}

export function finish_blob_task(blob: Uint8Array): Promise<Baton> {
  return finish(batonOf(blob));
}

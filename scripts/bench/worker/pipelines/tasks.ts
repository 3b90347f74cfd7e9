/** The tasks of the bench's peach.conf (`scripts/bench/conf.ts`). */
import { batonOf, blobOf, finish, stamp, type Baton } from "../works.ts";

export function stamp_task(baton: Baton): Baton {
  return stamp(baton);
}

export function pass_task(baton: Baton): Baton {
  return baton;
}

export function finish_task(baton: Baton): Promise<Baton> {
  return finish(baton);
}

/** The join of a fan-out reads an object keyed by task. */
export async function join_task(batons: Readonly<Record<string, Baton>>): Promise<Baton> {
  const [first] = Object.values(batons);
  if (first === undefined) throw new Error("the join read nothing");
  return finish(first);
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

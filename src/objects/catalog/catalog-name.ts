/**
 * Names of catalog objects: the task, and a slash and the number of the shard for all shards but
 * the first.
 */
import type { CatalogPart } from "./catalog-controller.ts";

export function nameOf({ task, shard }: CatalogPart): string {
  return shard === 0 ? task : `${task}/${shard}`;
}

export function partNamed(name: string): CatalogPart {
  const [task = "", shard = "0"] = name.split("/");
  return { task, shard: Number(shard) };
}

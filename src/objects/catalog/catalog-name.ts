/** The names of the catalogue's objects: the task, and for all but the first of a task its number behind a slash. */
import type { CatalogPart } from "./catalog-controller.ts";

export function nameOf({ task, shard }: CatalogPart): string {
  return shard === 0 ? task : `${task}/${shard}`;
}

export function partNamed(name: string): CatalogPart {
  const [task = "", shard = "0"] = name.split("/");
  return { task, shard: Number(shard) };
}

/** The object classes that the migrations of wrangler.toml make and end. */
import { isMapping } from "./schema-parts.ts";

/** The classes and tags of migrations. */
export interface MigratedClasses {
  /** The tags of the migrations, in order. */
  readonly tags: readonly string[];
  readonly made: readonly string[];
  readonly ended: ReadonlySet<string>;
}

/** Lists the classes that migrations make, and the classes that migrations end. */
export function classesIn(value: unknown): MigratedClasses {
  const all = Array.isArray(value) ? value.filter(isMapping) : [];
  const names = (key: string): string[] =>
    all.flatMap((migration) => {
      const list: unknown = migration[key];
      return Array.isArray(list) ? list.flatMap(nameOf) : [];
    });
  return {
    tags: names("tag").concat(all.map(({ tag }) => String(tag))),
    made: [
      ...names("new_sqlite_classes"),
      ...names("new_classes"),
      ...names("transferred_classes"),
    ],
    ended: new Set([...names("deleted_classes"), ...names("renamed_classes")]),
  };
}

/** Returns the class of an entry of a migration; of a renamed class the old name. */
function nameOf(entry: unknown): string[] {
  if (typeof entry === "string") return [entry];
  if (!isMapping(entry)) return [];
  const name = entry["from"] ?? entry["to"];
  return typeof name === "string" ? [name] : [];
}

/** Writes the migration that makes these classes. */
export function migrationOf(tags: readonly string[], classes: readonly string[]): string {
  const names = classes.map((name) => JSON.stringify(name)).join(", ");
  return `[[migrations]]\ntag = ${JSON.stringify(freeTag(tags))}\nnew_sqlite_classes = [${names}]`;
}

/** Makes the next tag `v1`, `v2` … behind all present tags. */
function freeTag(tags: readonly string[]): string {
  const numbers = tags.flatMap((tag) => {
    const number = /^v(\d+)$/.exec(tag)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  return `v${Math.max(0, ...numbers) + 1}`;
}

/**
 * Splits a set of objects by the values of a tag. A union may accept every object while no single
 * option does: each part of a split set can match another option.
 */
import { type ObjectSet, resolved, unionOf, type ValueSet } from "./value-set.ts";

/** Limit of parts. A tag with more values is not split. */
const MAX_PARTS = 100;

/**
 * Splits an object by a property with several sets of values, if an option names the property.
 * Falls back to an optional property: the parts are objects without and with it. Null if nothing
 * splits.
 */
export function splitByTag(passed: ValueSet, options: readonly ValueSet[]): ObjectSet[] | null {
  if (passed.kind !== "object") return null;
  const objects = options.flatMap((option) => objectsOf(option));
  for (const [name, property] of passed.properties) {
    const set = resolved(property.set);
    if (set?.kind !== "union" || set.members.length < 2 || set.members.length > MAX_PARTS) continue;
    const isTag = objects.some((option) => option.properties.has(name));
    if (!isTag) continue;
    return set.members.map((member) => ({
      ...passed,
      properties: new Map(passed.properties).set(name, { ...property, set: unionOf([member]) }),
    }));
  }
  // Without a tag, the presence of a property may tell the options apart.
  const optional = [...passed.properties].find(
    ([name, { mayBeAbsent }]) =>
      mayBeAbsent !== false && objects.some((option) => option.properties.has(name)),
  );
  if (optional === undefined) return null;
  const [name, property] = optional;
  const without = new Map(passed.properties);
  without.delete(name);
  return [
    { ...passed, properties: without },
    {
      ...passed,
      properties: new Map(passed.properties).set(name, { ...property, mayBeAbsent: false }),
    },
  ];
}

/** Returns the object behind an option of a union, also inside an unsure part. */
function objectsOf(option: ValueSet): ObjectSet[] {
  const set = resolved(option);
  if (set === null) return [];
  if (set.kind === "unsure") return objectsOf(set.within);
  return set.kind === "object" ? [set] : [];
}

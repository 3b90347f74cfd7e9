/** Splits a set of objects by the values of a tag, so that each part can match one option. */
import { type ObjectSet, resolved, unionOf, type ValueSet } from "./value-set.ts";

/** More options than a union usually has; a larger tag is not split. */
const MAX_PARTS = 100;

/**
 * Splits an object by a property that has several sets of values where the options tell objects
 * apart. Null if there is no such property.
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

/** The objects among the options of a union. */
function objectsOf(option: ValueSet): ObjectSet[] {
  const set = resolved(option);
  if (set === null) return [];
  if (set.kind === "unsure") return objectsOf(set.within);
  return set.kind === "object" ? [set] : [];
}

/**
 * Writes sets of values for diagnostics, in the manner of TypeScript. Long and deep sets are cut: a
 * diagnostic needs the shape, not every member.
 */
import {
  type ArraySet,
  type Bound,
  type NumberSet,
  type ObjectSet,
  resolved,
  type TextSet,
  type ValueSet,
  withoutAbsent,
} from "./value-set.ts";

/** Objects and arrays below this depth are left out. */
const MAX_DEPTH = 3;
/** Limit of shown members of a union, and of shown properties. */
const MAX_MEMBERS = 6;

/** Writes a set in the manner of TypeScript: `{ text: string, n?: integer ≥ 1 }`. */
export function showSet(set: ValueSet, depth = 0): string {
  const found = resolved(set);
  if (found === null) return "…";
  switch (found.kind) {
    case "any":
      return "any value";
    // Both sets carry the name of the impossible value.
    case "none":
    case "lost":
      return found.what;
    case "absent":
      return "nothing";
    case "literal":
      return JSON.stringify(found.value);
    case "number":
      return showNumber(found);
    case "text":
      return showText(found);
    case "bytes":
      return found.forms[0] ?? "bytes";
    case "stream":
      return "ReadableStream";
    case "unsure":
      return showSet(found.within, depth);
    case "union":
      return showMembers(found.members, depth);
    case "every":
      return found.parts.map((part) => showSet(part, depth)).join(" & ");
    case "array":
      return showArray(found, depth);
    case "object":
      return showObject(found, depth);
  }
}

/** Writes a range as `integer ≥ 1`. */
function showNumber({ min, max, isInteger, multipleOf }: NumberSet): string {
  const ends = [bound(min, ["≥", ">"]), bound(max, ["≤", "<"])].filter((end) => end !== "");
  const steps = multipleOf.map((step) => `in steps of ${step}`);
  return [isInteger ? "integer" : "number", ...ends, ...steps].join(" ");
}

/** Writes an end of a range. The ends of number formats are left out as noise. */
function bound(given: Bound | null, [closed, open]: readonly [string, string]): string {
  if (given === null || Math.abs(given.value) >= Number.MAX_SAFE_INTEGER) return "";
  return `${given.isExclusive ? open : closed} ${given.value}`;
}

/** Writes a text as `string`, followed by its tests. */
function showText({ tests }: TextSet): string {
  const says = tests.map((test) => test.says).filter((said) => said !== "");
  return says.length === 0 ? "string" : `string ${says.join(", ")}`;
}

/** Writes a union. True and false together become `boolean`. */
function showMembers(members: readonly ValueSet[], depth: number): string {
  const isBoolean = [true, false].every((value) =>
    members.some((member) => member.kind === "literal" && member.value === value),
  );
  const others = members.filter(
    (member) => !(isBoolean && member.kind === "literal" && typeof member.value === "boolean"),
  );
  const texts = new Set([
    ...others.map((member) => showSet(member, depth)),
    ...(isBoolean ? ["boolean"] : []),
  ]);
  // Equal texts stand once: members may differ only below the shown depth.
  const shown = [...texts].slice(0, MAX_MEMBERS);
  if (shown.length === 0) return "no value";
  return `${shown.join(" | ")}${texts.size > MAX_MEMBERS ? " | …" : ""}`;
}

/** Writes an array as `string[]`, a tuple as `[string, number?]`. */
function showArray({ first, rest, min, max }: ArraySet, depth: number): string {
  if (depth >= MAX_DEPTH) return "[…]";
  if (first.length > 0) {
    const items = first.map(
      (item, index) => `${showSet(item, depth + 1)}${index >= min ? "?" : ""}`,
    );
    const more = rest === null ? [] : [`…${showSet(rest, depth + 1)}`];
    return `[${[...items, ...more].join(", ")}]`;
  }
  const item = rest === null ? "" : showSet(rest, depth + 1);
  const bounds = [
    ...(min > 0 ? [`≥ ${min}`] : []),
    ...(max < Number.POSITIVE_INFINITY ? [`≤ ${max}`] : []),
  ];
  const array = item.includes(" ") && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
  return bounds.length === 0 ? array : `${array} of ${bounds.join(", ")} items`;
}

/** Writes the first properties of an object. */
function showObject({ properties, others }: ObjectSet, depth: number): string {
  if (depth >= MAX_DEPTH) return "{…}";
  const named = [...properties].map(
    ([name, { set, mayBeAbsent }]) =>
      `${/^[\w$]+$/.test(name) ? name : JSON.stringify(name)}${mayBeAbsent === false ? "" : "?"}: ${showSet(withoutAbsent(set), depth + 1)}`,
  );
  const more = others.type === "each" ? [`[key]: ${showSet(others.values, depth + 1)}`] : [];
  const parts = [...named, ...more];
  if (parts.length === 0) return "{}";
  const shown = parts.slice(0, MAX_MEMBERS);
  return `{ ${shown.join(", ")}${parts.length > MAX_MEMBERS ? ", …" : ""} }`;
}

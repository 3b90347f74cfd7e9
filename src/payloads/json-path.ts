/** A step into a JSON value: a property's key or an item's index. */
export type JsonStep = string | number;

/** The JSON path of a place, e.g. `$.a[3]["b c"]`. */
export function jsonPath(steps: readonly JsonStep[]): string {
  let path = "$";
  for (const step of steps) {
    if (typeof step === "number") path += `[${step}]`;
    else path += /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  }
  return path;
}

/** The property of this name, if the value is an object with such a property. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  // Excludes the length of a list.
  const member: unknown = Object.prototype.propertyIsEnumerable.call(value, name)
    ? Reflect.get(value, name)
    : undefined;
  return member;
}

/**
 * The filter of a query on the metadata of vectors. All conditions of a filter must hold.
 *
 * A condition is a value (equal), `{in: [...]}` (equal to a value of the list), or a range of `{gt,
 * gte, lt, lte}` for numbers or for strings. Strings are compared by UTF-16 code units. A vector
 * without the property meets no condition. Values of different types are never equal.
 */

/** A value of metadata. */
export type MetadataValue = string | number | boolean | null;

/** The metadata of a vector: a flat object. */
export type Metadata = Readonly<Record<string, MetadataValue>>;

/** A range of numbers or of strings. */
export interface MetadataRange {
  readonly gt?: number | string;
  readonly gte?: number | string;
  readonly lt?: number | string;
  readonly lte?: number | string;
}

/** The condition of one property. */
export type MetadataCondition =
  | MetadataValue
  | { readonly in: readonly MetadataValue[] }
  | MetadataRange;

/** Conditions by property. */
export type MetadataFilter = Readonly<Record<string, MetadataCondition>>;

/** The greatest number of conditions in a filter. */
const MOST_CONDITIONS = 16;
/** The greatest number of values in `in`. */
const MOST_VALUES = 1_000;

const COMPARISONS: Readonly<
  Record<keyof MetadataRange, (value: Ordered, than: Ordered) => boolean>
> = {
  gt: (value, than) => value > than,
  gte: (value, than) => value >= than,
  lt: (value, than) => value < than,
  lte: (value, than) => value <= than,
};

type Ordered = number | string;

/** Returns what is wrong with a filter; null if nothing is. */
export function filterFault(filter: unknown): string | null {
  if (!isRecord(filter)) return "a filter is an object of conditions by property";
  const conditions = Object.entries(filter);
  if (conditions.length > MOST_CONDITIONS)
    return `a filter has at most ${MOST_CONDITIONS} conditions, given ${conditions.length}`;
  for (const [property, condition] of conditions) {
    const fault = conditionFault(condition);
    if (fault !== null) return `filter.${property} ${fault}`;
  }
  return null;
}

function conditionFault(condition: unknown): string | null {
  if (isValue(condition)) return null;
  if (!isRecord(condition)) return "is a value, {in: [...]} or a range of {gt, gte, lt, lte}";
  const keys = Object.keys(condition);
  if ("in" in condition) {
    const values: unknown = condition["in"];
    if (keys.length > 1) return "has `in` beside other conditions; give one of them";
    if (!Array.isArray(values) || !values.every(isValue))
      return "has an `in` that is no list of values";
    return values.length > MOST_VALUES
      ? `has ${values.length} values in \`in\`; at most ${MOST_VALUES} are possible`
      : null;
  }
  if (keys.length === 0) return "has no condition";
  for (const key of keys) {
    if (!Object.hasOwn(COMPARISONS, key))
      return `has the unknown condition ${JSON.stringify(key)}; known are in, gt, gte, lt and lte`;
    const bound = condition[key];
    if (typeof bound !== "string" && !(typeof bound === "number" && Number.isFinite(bound)))
      return `has a bound \`${key}\` that is neither a number nor a string`;
  }
  return null;
}

/** Makes the test of a filter. Throws a TypeError for an invalid filter. */
export function matcherOf(filter: MetadataFilter): (metadata: Metadata | null) => boolean {
  const fault = filterFault(filter);
  if (fault !== null) throw new TypeError(fault);
  const tests = Object.entries(filter).map(([property, condition]) => {
    const holds = testOf(condition);
    return (metadata: Metadata): boolean => {
      const value = Object.hasOwn(metadata, property) ? metadata[property] : undefined;
      return value !== undefined && holds(value);
    };
  });
  if (tests.length === 0) return () => true;
  return (metadata) => metadata !== null && tests.every((test) => test(metadata));
}

function testOf(condition: MetadataCondition): (value: MetadataValue) => boolean {
  if (typeof condition !== "object" || condition === null) return (value) => value === condition;
  if ("in" in condition) {
    const values = new Set(condition.in);
    return (value) => values.has(value);
  }
  const bounds = (["gt", "gte", "lt", "lte"] as const).flatMap((name) => {
    const bound = condition[name];
    return bound === undefined ? [] : [{ holds: COMPARISONS[name], bound }];
  });
  return (value) =>
    bounds.every(
      ({ holds, bound }) =>
        (typeof value === "number" || typeof value === "string") &&
        typeof value === typeof bound &&
        holds(value, bound),
    );
}

function isValue(value: unknown): value is MetadataValue {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value))
  );
}

/** Tests for metadata: a flat object of strings, finite numbers, booleans and nulls. */
export function isMetadata(value: unknown): value is Metadata {
  return isRecord(value) && Object.values(value).every(isValue);
}

/** Tests for an object with properties. A Map, a list or a Date keeps values elsewhere. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}

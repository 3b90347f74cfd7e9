/**
 * Reads zod schemas as the sets of values that a parse returns. A set holds at least every returned
 * value. A refinement only narrows a schema: the result is an unsure part of the schema's set.
 */
import type { core } from "zod";
import { valuesOf } from "./known-value.ts";
import {
  narrowedLength,
  narrowedNumber,
  passedTests,
  type Step,
  stepsOf,
  templateTests,
} from "./schema-checks.ts";
import {
  containsAbsent,
  definitionOf,
  formOfClass,
  formsOf,
  innerOfLazy,
  instanceClass,
  internalsOf,
  keyNames,
  LOST_TYPES,
  MAX_NESTING,
} from "./schema-parts.ts";
import {
  ABSENT,
  arrayOf,
  BOOLEAN,
  literal,
  NULL,
  type ObjectSet,
  type Others,
  type Property,
  type Reference,
  resolved,
  TEXT,
  unionOf,
  type ValueSet,
  withoutAbsent,
} from "./value-set.ts";

/** Reads the schemas of outputs. */
export class PassedSets {
  /**
   * True for a value that no codec encodes, such as between the schemas of a pipe. Undefined then
   * stays inside of objects and arrays.
   */
  readonly #isBare: boolean;
  /** The sets of schemas read so far. A reference stands for a set under construction. */
  readonly #read = new Map<core.$ZodType, ValueSet>();
  /** The number of schemas under construction. */
  #depth = 0;

  constructor(isBare = false) {
    this.#isBare = isBare;
  }

  /** Returns the set of a schema. Each schema is read once; a recursive one refers to itself. */
  of(schema: core.$ZodType): ValueSet {
    const before = this.#read.get(schema);
    if (before !== undefined) return before;
    if (this.#depth >= MAX_NESTING) return any("a schema that is nested too deep");
    const reference: Reference = { kind: "reference", to: null };
    this.#read.set(schema, reference);
    this.#depth += 1;
    const set = this.#checked(schema);
    this.#depth -= 1;
    reference.to = set;
    this.#read.set(schema, set);
    return set;
  }

  /** Returns the set of a schema with its checks. A check without a model may replace values. */
  #checked(schema: core.$ZodType): ValueSet {
    const steps = stepsOf(schema);
    const set = this.#unchecked(schema, stepsAfterChange(steps));
    const unknown = steps.filter((step) => step.type === "unknown");
    if (mayReplace(schema, steps)) return any("a check that may replace the value");
    const [first] = unknown;
    return first === undefined ? set : { kind: "unsure", within: set, why: first.why };
  }

  /** Returns the set of a schema without its refinements. */
  #unchecked(schema: core.$ZodType, steps: readonly Step[]): ValueSet {
    const def = definitionOf(schema);
    switch (def.type) {
      case "string":
        return { kind: "text", tests: passedTests(steps) };
      case "number":
        return narrowedNumber(steps);
      case "boolean":
      case "success":
        return BOOLEAN;
      case "null":
        return NULL;
      case "undefined":
      case "void":
        return ABSENT;
      case "any":
      case "unknown":
        return any("a value of any type");
      case "never":
        return unionOf([]);
      case "literal":
        return unionOf(def.values.map(passedLiteral));
      case "enum":
        return unionOf([...(internalsOf(schema).values ?? [])].map(passedLiteral));
      case "template_literal":
        return { kind: "text", tests: templateTests(internalsOf(schema).pattern) };
      case "array":
        return narrowedLength(arrayOf(this.of(def.element)), steps);
      case "tuple":
        return this.#tuple(def, steps);
      case "object":
        return this.#object(def);
      case "record":
        return this.#record(def);
      case "union":
        return unionOf(def.options.map((option) => this.of(option)));
      case "intersection":
        return merged(this.of(def.left), this.of(def.right));
      case "optional":
        return this.#optional(schema, def.innerType);
      case "nullable":
        return unionOf([this.of(def.innerType), NULL]);
      // The author's default is returned as it is, without a parse.
      case "default":
        return unionOf([
          withoutAbsent(this.of(def.innerType)),
          valuesOf(() => def.defaultValue, "a default"),
        ]);
      case "prefault":
      case "readonly":
      case "promise":
        return this.of(def.innerType);
      case "nonoptional":
        return withoutAbsent(this.of(def.innerType));
      case "catch":
        return unionOf([this.of(def.innerType), caught(def)]);
      case "lazy":
        return this.of(innerOfLazy(schema));
      // The last schema of a pipe decides the result.
      case "pipe":
        return this.of(def.out);
      case "transform":
        return any("a transform");
      case "custom":
        return passedInstance(schema);
      // The codec keeps the bytes of a File, without name and date.
      case "file":
        return { kind: "bytes", forms: ["Blob"] };
      case "bigint":
      case "symbol":
      case "date":
      case "map":
      case "set":
      case "nan":
      case "function":
        return lost(LOST_TYPES[def.type] ?? def.type);
      default:
        return any("a schema of an unknown type");
    }
  }

  /** A parse returns the properties of the shape, without the key `__proto__`. */
  #object(def: core.$ZodObjectDef): ObjectSet {
    const properties = new Map<string, Property>();
    for (const [name, schema] of Object.entries(def.shape)) {
      if (name === "__proto__") continue;
      const { optin, optout } = internalsOf(schema);
      // Zod leaves out a key whose schema is optional in both directions, or fails without it.
      const isOmitted = optin !== undefined && optout === "optional" && !isFilled(schema);
      const mayBeAbsent = isOmitted || this.#isUndefined(schema);
      properties.set(name, { set: this.#kept(schema), mayBeAbsent });
    }
    return { kind: "object", properties, others: this.#others(def.catchall), isKeyed: false };
  }

  /** A parse drops further properties unless a catchall keeps them. */
  #others(catchall: core.$ZodType | undefined): Others {
    if (catchall === undefined || definitionOf(catchall).type === "never") return { type: "none" };
    return { type: "each", keys: TEXT, values: this.#kept(catchall) };
  }

  /**
   * A record with an enum of keys is an object with named properties. Other records have keys of
   * one set. A loose record also returns the keys that do not match, with unknown values.
   */
  #record(def: core.$ZodRecordDef): ObjectSet {
    const value = this.#kept(def.valueType);
    const values = keyNames(def.keyType);
    const isLoose = def.mode === "loose";
    const isPartial = Reflect.get(def, "partial") === true;
    const hasChange = stepsOf(def.keyType).some(({ type }) => type === "change");
    if (values !== null && !hasChange && !(isLoose && isPartial)) {
      const mayBeAbsent = isPartial || this.#isUndefined(def.valueType);
      const others: Others = isLoose
        ? { type: "each", keys: TEXT, values: any("further keys of a loose record") }
        : { type: "none" };
      const properties = values
        .map(String)
        .filter((name) => name !== "__proto__")
        .map((name): [string, Property] => [name, { set: value, mayBeAbsent }]);
      return { kind: "object", properties: new Map(properties), others, isKeyed: false };
    }
    const keys = isLoose || hasChange ? TEXT : keyTexts(this.of(def.keyType));
    const others: Others = {
      type: "each",
      keys,
      values: isLoose ? any("further keys of a loose record") : value,
    };
    return { kind: "object", properties: new Map(), others, isKeyed: false };
  }

  /** A parse may leave out optional items at the end of a tuple. */
  #tuple(def: core.$ZodTupleDef, steps: readonly Step[]): ValueSet {
    const firstOptional =
      def.items.findLastIndex((item) => internalsOf(item).optout !== "optional") + 1;
    // The codec refuses undefined as an item: an optional item at the end is absent or has a value.
    const first = def.items.map((item, index) =>
      index < firstOptional ? this.of(item) : this.#kept(item),
    );
    const rest = def.rest === null ? null : this.of(def.rest);
    const max = rest === null ? first.length : Number.POSITIVE_INFINITY;
    return narrowedLength({ kind: "array", first, rest, min: firstOptional, max }, steps);
  }

  /** The set of a part of an object. The codec leaves undefined out. */
  #kept(schema: core.$ZodType): ValueSet {
    return this.#isBare ? this.of(schema) : withoutAbsent(this.of(schema));
  }

  /**
   * Tests if a parse may return undefined. Containers are not searched: a property set may still be
   * under construction. A recursive schema adds no further value.
   */
  #isUndefined(schema: core.$ZodType, seen: ReadonlySet<core.$ZodType> = new Set()): boolean {
    if (seen.has(schema)) return false;
    const def = definitionOf(schema);
    if (mayReplace(schema, stepsOf(schema))) return true;
    const within = new Set([...seen, schema]);
    const isUndefined = (part: core.$ZodType): boolean => this.#isUndefined(part, within);
    if (def.type === "optional")
      return containsAbsent(this.#optional(schema, def.innerType)) !== false;
    if (
      def.type === "nullable" ||
      def.type === "readonly" ||
      def.type === "prefault" ||
      def.type === "promise"
    )
      return isUndefined(def.innerType);
    if (def.type === "union") return def.options.some(isUndefined);
    if (def.type === "lazy") return isUndefined(innerOfLazy(schema));
    if (def.type === "pipe") return isUndefined(def.out);
    return !CONTAINERS.has(def.type) && containsAbsent(this.of(schema)) !== false;
  }

  /** Adds undefined to an optional schema, except for a default or an exact optional. */
  #optional(schema: core.$ZodType, inner: core.$ZodType): ValueSet {
    const set = this.of(inner);
    // A default takes the place of undefined before the optional does.
    return isFilled(inner) || internalsOf(schema).traits.has("$ZodExactOptional")
      ? set
      : unionOf([set, ABSENT]);
  }
}

/** The types whose set has the changed value too, without the tests before the change. */
const CHANGEABLE: ReadonlySet<string> = new Set("string number boolean null".split(" "));

/**
 * Tests if a check may return a value outside of the schema's set: a bare function of `.check()`
 * may assign any value, and a change may reach the parts of a structure.
 */
function mayReplace(schema: core.$ZodType, steps: readonly Step[]): boolean {
  const isChangeable = CHANGEABLE.has(definitionOf(schema).type);
  return steps.some((step) =>
    step.type === "unknown" ? step.mayReplace : step.type === "change" && !isChangeable,
  );
}

/** Tests if a default takes the place of undefined, whatever the schema says about it. */
function isFilled(schema: core.$ZodType): boolean {
  const def = definitionOf(schema);
  if (stepsOf(schema).length > 0) return false;
  if (def.type === "optional" || def.type === "nullable" || def.type === "readonly")
    return isFilled(def.innerType);
  if (def.type !== "default") return false;
  return containsAbsent(valuesOf(() => def.defaultValue, "a default")) === false;
}

/** The types of schemas that never return undefined themselves. */
const CONTAINERS: ReadonlySet<string> = new Set(["object", "array", "record", "tuple"]);

/** Returns the steps that hold for the returned value. A change undoes earlier lengths. */
function stepsAfterChange(steps: readonly Step[]): readonly Step[] {
  const last = steps.findLastIndex((step) => step.type === "change");
  return steps.filter(
    (step, index) => index > last || step.type === "text" || step.type === "change",
  );
}

/** An unknown value, with the reason. */
function any(why: string): ValueSet {
  return { kind: "any", why };
}

/** A value that no payload can hold. */
function lost(what: string): ValueSet {
  return { kind: "lost", what };
}

/** Returns the set of a literal. JSON has no BigInt, no symbol, and only finite numbers. */
function passedLiteral(value: unknown): ValueSet {
  if (value === undefined) return ABSENT;
  if (typeof value === "number")
    return Number.isFinite(value) ? literal(value) : lost(String(value));
  if (value === null || typeof value === "string" || typeof value === "boolean")
    return literal(value);
  return lost(typeof value === "bigint" ? "a BigInt" : "a symbol");
}

/** Returns the values of a catch. A function of the author may depend on the fault. */
function caught(def: core.$ZodCatchDef): ValueSet {
  if (readsItsInput(def.catchValue)) return any("a value that depends on what was wrong");
  return valuesOf((input) => {
    const context = { value: input, input, issues: [], error: { issues: [] } };
    return Reflect.apply(def.catchValue, undefined, [context]);
  }, "a value that depends on what was wrong");
}

/** Tests if a function of the author may look at what was wrong. */
function readsItsInput(read: (context: never) => unknown): boolean {
  if (Reflect.get(read, "~constantCatch") === true) return false;
  const source = String(read);
  const hasNoParameter = /^(?:async\s+)?(?:function\b)?\s*[\w$]*\s*\(\s*\)/.test(source);
  return !hasNoParameter || /\barguments\b/.test(source);
}

/** Reads `z.instanceof`: bytes keep their form, instances of other classes are lost. */
function passedInstance(schema: core.$ZodType): ValueSet {
  const wanted = instanceClass(schema);
  if (wanted === null || wanted === Object || wanted === Array) return any("a custom type");
  if (wanted === ReadableStream) return { kind: "stream" };
  const form = formOfClass(wanted);
  // A parse with Uint8Array also returns instances of a subclass, such as Buffer.
  if (form !== null) return { kind: "bytes", forms: [...new Set([form, ...formsOf(wanted)])] };
  const name = typeof wanted === "function" && wanted.name !== "" ? wanted.name : "a class";
  return lost(`an instance of ${name}`);
}

/** Returns the keys of a record as texts: a number as a key becomes a text. */
function keyTexts(set: ValueSet): ValueSet {
  const found = resolved(set);
  if (found === null) return TEXT;
  if (found.kind === "literal") return literal(String(found.value));
  if (found.kind === "union") return unionOf(found.members.map(keyTexts));
  return found.kind === "text" || found.kind === "unsure" ? found : TEXT;
}

/**
 * Returns the set of an intersection. Zod merges objects property by property, and throws if any
 * other value differs between both sides: the set of either side then holds every result.
 */
function merged(left: ValueSet, right: ValueSet, depth = 0): ValueSet {
  if (left === right) return left;
  const [a, b] = [resolved(left), resolved(right)];
  if (a === null || b === null || depth > MAX_DEPTH) return any("an intersection");
  const isLeaf = ({ kind }: ValueSet): boolean => ["text", "number", "literal"].includes(kind);
  if (isLeaf(a)) return a;
  if (isLeaf(b)) return b;
  if (a.kind !== "object" || b.kind !== "object") return any("an intersection");
  if (a.others.type !== "none" || b.others.type !== "none") return any("an intersection");
  const properties = new Map<string, Property>();
  for (const name of new Set([...a.properties.keys(), ...b.properties.keys()])) {
    const [one, other] = [a.properties.get(name), b.properties.get(name)];
    if (one === undefined || other === undefined) {
      const only = one ?? other;
      if (only !== undefined) properties.set(name, only);
      continue;
    }
    // Where one side leaves the property out, the result has the property of the other side.
    const alone = [one, other].filter(
      (_, side) => (side === 0 ? other : one).mayBeAbsent !== false,
    );
    properties.set(name, {
      set: unionOf([merged(one.set, other.set, depth + 1), ...alone.map(({ set }) => set)]),
      mayBeAbsent: one.mayBeAbsent !== false && other.mayBeAbsent !== false,
    });
  }
  return { ...a, properties };
}

/** Limit of nesting. Deeper intersections are unknown. */
const MAX_DEPTH = 20;

/**
 * Reads zod schemas as the sets of payload values that the schemas accept. Values with an uncertain
 * answer belong to an `unsure` member. Every value outside such a member must be accepted.
 *
 * The class has about 280 lines: a rule for each kind of schema, and the rules call one another.
 */
import type { core } from "zod";
import { compareBare } from "./compare-sets.ts";
import { valuesOf } from "./known-value.ts";
import type { PassedSets } from "./passed-sets.ts";
import {
  hasUnknownChange,
  isAnyForeign,
  narrowedLength,
  narrowedNumber,
  type Step,
  stepsOf,
  takenTests,
  templateTests,
} from "./schema-checks.ts";
import {
  containsAbsent,
  definitionOf,
  formsOf,
  innerOfLazy,
  instanceClass,
  internalsOf,
  isInherited,
  keyNames,
  LOST_TYPES,
  MAX_NESTING,
} from "./schema-parts.ts";
import {
  hasEqualTags,
  isCoerced,
  isPlain,
  mayBeAsync,
  mayThrow,
  STRUCTURES,
} from "./schema-walks.ts";
import {
  coerced,
  none,
  NUMERIC,
  recordOf,
  tagged,
  takenLiteral,
  textKeys,
  unsure,
} from "./taken-leaves.ts";
import {
  ABSENT,
  ANY,
  arrayOf,
  type ArraySet,
  BOOLEAN,
  NULL,
  NUMBER,
  type ObjectSet,
  type Others,
  type Property,
  type Reference,
  TEXT,
  unionOf,
  type ValueSet,
  withoutAbsent,
} from "./value-set.ts";

/** Reads the schemas of inputs. */
export class TakenSets {
  /** The reader of outputs. A pipe compares the output of one schema with the input of the next. */
  readonly #passed: PassedSets;
  /** The schemas under construction around which no object or array stands. */
  #around: ReadonlySet<core.$ZodType> = new Set();
  /** The sets of schemas read so far. A reference stands for a set under construction. */
  readonly #read = new Map<core.$ZodType, ValueSet>();
  /** The number of schemas under construction. */
  #depth = 0;

  constructor(passed: PassedSets) {
    this.#passed = passed;
  }

  /** Returns the set of a schema. Each schema is read once; a recursive one refers to itself. */
  of(schema: core.$ZodType): ValueSet {
    if (this.#around.has(schema)) return unsure(ANY, "a schema that consists of itself");
    const before = this.#read.get(schema);
    if (before !== undefined) return before;
    if (this.#depth >= MAX_NESTING) return unsure(ANY, "a schema that is nested too deep");
    const reference: Reference = { kind: "reference", to: null };
    this.#read.set(schema, reference);
    this.#depth += 1;
    const around = this.#around;
    this.#around = STRUCTURES.has(definitionOf(schema).type)
      ? new Set()
      : new Set([...around, schema]);
    const set = this.#checked(schema);
    this.#around = around;
    this.#depth -= 1;
    reference.to = set;
    this.#read.set(schema, set);
    return set;
  }

  /** Returns the set of a schema with its checks. Refinements make the set unsure. */
  #checked(schema: core.$ZodType): ValueSet {
    const steps = stepsOf(schema);
    const set = this.#unchecked(schema, steps);
    const unknown = steps.find((step) => step.type === "unknown");
    if (unknown !== undefined) return unsure(set, unknown.why);
    if (isAnyForeign(definitionOf(schema).type, steps)) return unsure(set, "a check");
    return hasUnknownChange(steps) && steps.length > 1
      ? unsure(set, "a change before a check")
      : set;
  }

  /** Returns the set of a schema without its refinements. */
  #unchecked(schema: core.$ZodType, steps: readonly Step[]): ValueSet {
    const def = definitionOf(schema);
    switch (def.type) {
      case "string": {
        const tests = takenTests(steps);
        const text: ValueSet = tests === null ? TEXT : { kind: "text", tests };
        return isCoerced(def) ? coerced(text, steps, [BOOLEAN, NUMBER, NULL]) : text;
      }
      case "number":
        return isCoerced(def)
          ? coerced(narrowedNumber(steps), steps, [BOOLEAN, NULL])
          : narrowedNumber(steps);
      // Every value converts to a boolean.
      case "boolean":
        return isCoerced(def) ? ANY : BOOLEAN;
      case "null":
        return NULL;
      case "undefined":
      case "void":
        return ABSENT;
      case "any":
      case "unknown":
        return ANY;
      case "never":
        return { kind: "none", what: "nothing" };
      case "literal":
        return unionOf(def.values.map(takenLiteral));
      case "enum":
        return unionOf([...(internalsOf(schema).values ?? [])].map(takenLiteral));
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
        return this.#union(def, schema);
      // Zod throws if both sides return different values, so both sides must keep the input.
      case "intersection":
        return isPlain(def.left) && isPlain(def.right)
          ? { kind: "every", parts: [this.of(def.left), this.of(def.right)] }
          : unsure(ANY, "an intersection of schemas that change values or refuse properties");
      case "optional":
        // An exact optional accepts an absent property, and refuses undefined.
        return internalsOf(schema).traits.has("$ZodExactOptional")
          ? this.of(def.innerType)
          : unionOf([this.of(def.innerType), ABSENT]);
      case "nullable":
        return unionOf([this.of(def.innerType), NULL]);
      // A default replaces undefined, without a parse of the default.
      case "default":
        return unionOf([this.of(def.innerType), ABSENT]);
      case "prefault":
        return this.#prefault(def);
      case "nonoptional":
        return this.#withoutAbsent(this.of(def.innerType));
      case "readonly":
        return this.#readonly(this.of(def.innerType));
      // A fault becomes a result, unless the parse throws.
      case "catch":
        return mayThrow(def.innerType) ? unsure(ANY, THROWS) : ANY;
      // Some releases of zod keep the faults beside the result.
      case "success":
        return unionOf([this.of(def.innerType), unsure(ANY, "a fault that becomes a result")]);
      case "lazy":
        return this.of(innerOfLazy(schema));
      // A payload is no promise. Zod awaits any value.
      case "promise":
        return this.of(def.innerType);
      case "pipe":
        return this.#pipe(def);
      case "transform":
        return unsure(ANY, "a transform");
      case "custom":
        return this.#custom(schema);
      case "file":
        return none("a File, of which only the Blob is passed on");
      // Payloads hold no dates and no BigInts, but zod converts texts and numbers.
      case "date":
        return isCoerced(def) ? unsure(ANY, "a coercion to a Date") : none("a Date");
      case "bigint":
        return isCoerced(def) ? unsure(ANY, "a coercion to a BigInt") : none("a BigInt");
      case "symbol":
      case "map":
      case "set":
      case "nan":
      case "function":
        return none(LOST_TYPES[def.type] ?? def.type);
      default:
        return unsure(ANY, "a schema of an unknown type");
    }
  }

  /** An object accepts its shape, without the key `__proto__`. */
  #object(def: core.$ZodObjectDef): ObjectSet {
    const properties = new Map<string, Property>();
    for (const [name, schema] of Object.entries(def.shape)) {
      if (name === "__proto__") continue;
      const set = this.of(schema);
      properties.set(name, { set, mayBeAbsent: mayBeAbsent(name, schema, set) });
    }
    return { kind: "object", properties, others: this.#others(def.catchall), isKeyed: false };
  }

  /** Further properties: ignored by default, refused if strict, checked by a catchall. */
  #others(catchall: core.$ZodType | undefined): Others {
    if (catchall === undefined) return { type: "ignored" };
    if (definitionOf(catchall).type === "never") return { type: "none" };
    return { type: "each", keys: TEXT, values: this.of(catchall) };
  }

  /** A record with an enum of keys is an object with all named properties. */
  #record(def: core.$ZodRecordDef): ValueSet {
    const isLoose = def.mode === "loose";
    const value = this.of(def.valueType);
    if (internalsOf(def.keyType).values !== undefined) {
      // A test of the keys may refuse a named property.
      const names = keyNames(def.keyType);
      if (names === null || stepsOf(def.keyType).length > 0)
        return unsure(ANY, "a record with tested keys");
      const isPartial = Reflect.get(def, "partial") === true;
      const properties = names
        .filter((key) => typeof key === "string" || !isPartial || NUMERIC.test(String(key)))
        .map(String)
        .filter((key) => key !== "__proto__")
        .map((key): [string, Property] => [
          key,
          {
            set: value,
            mayBeAbsent: isPartial ? true : isInherited(key) ? false : containsAbsent(value),
          },
        ]);
      return {
        kind: "object",
        properties: new Map(properties),
        others: isLoose && !isPartial ? { type: "ignored" } : { type: "none" },
        isKeyed: false,
      };
    }
    const record = recordOf(textKeys(this.of(def.keyType)), value);
    return isLoose
      ? unionOf([recordOf(TEXT, value), unsure(recordOf(TEXT, ANY), "a loose record")])
      : record;
  }

  /** The last items of a tuple may be absent where zod accepts undefined. */
  #tuple(def: core.$ZodTupleDef, steps: readonly Step[]): ValueSet {
    const first = def.items.map((item) => this.of(item));
    const rest = def.rest === null ? null : this.of(def.rest);
    // Zod reads an absent item as undefined, unless every item from there on may be absent.
    // From here on, zod drops what is wrong with an absent item.
    const dropped = def.items.findLastIndex((item) => internalsOf(item).optout !== "optional") + 1;
    const omits = def.items.map((item, index) => {
      const set = first[index] ?? ANY;
      if (index >= dropped) return mayBeAbsent("", item, set);
      return internalsOf(item).optin === undefined ? false : containsAbsent(set);
    });
    const certain = omits.findLastIndex((one) => one !== true) + 1;
    const possible = omits.findLastIndex((one) => one === false) + 1;
    const max = rest === null ? first.length : Number.POSITIVE_INFINITY;
    const array = (min: number): ArraySet =>
      narrowedLength({ kind: "array", first, rest, min, max }, steps);
    return possible < certain
      ? unionOf([array(certain), unsure(array(possible), "an item that may be absent")])
      : array(certain);
  }

  /** A union accepts the values of each option. */
  #union(def: core.$ZodUnionDef, schema: core.$ZodType): ValueSet {
    // An option that throws ends the parse before the later options. An asynchronous option that
    // matches does not spare zod the options behind.
    const thrower = def.options.findIndex((option) => mayThrow(option));
    const isCertain = (option: core.$ZodType, index: number): boolean =>
      thrower === -1 || index === thrower || (index < thrower && !mayBeAsync(option));
    const members = def.options.map((option, index) =>
      isCertain(option, index) ? this.of(option) : unsure(this.of(option), THROWS),
    );
    if (internalsOf(schema).traits.has("$ZodXor") && members.length > 1)
      return unsure(unionOf(members), "a union of which one option alone may match");
    // Only a discriminated union has the property.
    const tag: unknown = Reflect.get(def, "discriminator");
    if (typeof tag !== "string") return unionOf(members);
    if (hasEqualTags(schema)) return unsure(unionOf(members), "options of equal tags");
    return unionOf(members.map((member) => tagged(member, tag)));
  }

  /**
   * A prefault accepts undefined if the inner schema accepts the default, whatever else it takes.
   */
  #prefault(def: core.$ZodPrefaultDef): ValueSet {
    const given = valuesOf(() => def.defaultValue, "a default");
    const inner = this.of(def.innerType);
    if (compareBare(given, inner).answer === "fits") return unionOf([inner, ABSENT]);
    return unionOf([this.#withoutAbsent(inner), unsure(ABSENT, "a default that is parsed")]);
  }

  /** A nonoptional schema refuses undefined. A part that may hold undefined stays unsure. */
  #withoutAbsent(set: ValueSet): ValueSet {
    const present = withoutAbsent(set);
    return containsAbsent(present) === false ? present : unsure(present, "a value that is there");
  }

  /** Zod freezes the parsed value. Freezing bytes throws. */
  #readonly(set: ValueSet): ValueSet {
    if (set.kind === "union") return unionOf(set.members.map((member) => this.#readonly(member)));
    const hasBytes = ["any", "bytes", "every", "reference"].includes(set.kind);
    return hasBytes ? unsure(set, "freezing a value that may be bytes") : set;
  }

  /** A pipe accepts the values of the first schema whose results the second schema accepts. */
  #pipe(def: core.$ZodPipeDef): ValueSet {
    const input = this.of(def.in);
    const [before, after] = [definitionOf(def.in).type, definitionOf(def.out).type];
    if (Reflect.get(def, "reverseTransform") !== undefined) return unsure(input, "a codec");
    // The first function may turn any value into an accepted one.
    if (before === "transform") return unsure(ANY, "a function before the schema");
    if (after === "transform") return unsure(input, "a transform");
    // A certain pipe has a second schema that accepts every result of the first.
    const verdict = compareBare(this.#passed.of(def.in), this.of(def.out));
    return verdict.answer === "fits" ? input : unsure(input, "a pipe");
  }

  /** Reads `z.instanceof`. Any other custom check is code of the author. */
  #custom(schema: core.$ZodType): ValueSet {
    const wanted = instanceClass(schema);
    if (wanted === null) return unsure(ANY, "a custom check");
    if (wanted === ReadableStream) return { kind: "stream" };
    const forms = formsOf(wanted);
    if (wanted === Object || wanted === Array) return unsure(ANY, "a custom check");
    const name = typeof wanted === "function" && wanted.name !== "" ? wanted.name : "a class";
    return forms.length > 0 ? { kind: "bytes", forms } : none(`an instance of ${name}`);
  }
}

/** The reason for a parse that may end with an exception. */
const THROWS = "a part that may throw: a function before a schema, a merge, or a freeze";

/** Tests if zod accepts an object without a property. */
function mayBeAbsent(name: string, schema: core.$ZodType, set: ValueSet): boolean | "unsure" {
  const { optin, optout } = internalsOf(schema);
  if (optin === undefined || isInherited(name)) return false;
  if (optout !== "optional") return containsAbsent(set);
  return isUntouched(schema) || !mayThrow(schema) ? true : "unsure";
}

/** Tests if zod looks at no part of an optional schema without a value. */
function isUntouched(schema: core.$ZodType): boolean {
  const def = definitionOf(schema);
  const { traits } = internalsOf(schema);
  if (def.type !== "optional" || stepsOf(schema).length > 0) return false;
  return !traits.has("$ZodExactOptional") && internalsOf(def.innerType).optin !== "defaulted";
}

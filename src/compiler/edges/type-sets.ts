/**
 * Reads TypeScript types as sets of payload values. The type of a plain function is a claim of the
 * author: no code checks the claim at run time. An object type does not exclude further properties.
 */
import type { Checker, Symbol as TypeSymbol, Type } from "typescript/unstable/sync";
import { containsAbsent, formsOf } from "./schema-parts.ts";
import type { TypeScriptApi } from "./type-config.ts";
import {
  ABSENT,
  ANY,
  arrayOf,
  literal,
  NULL,
  NUMBER,
  type Others,
  type Property,
  type Reference,
  resolved,
  TEXT,
  unionOf,
  type ValueSet,
  withoutAbsent,
} from "./value-set.ts";

/** The types of the standard library that a payload holds as bytes. */
const BYTES: ReadonlySet<string> = new Set(
  "ArrayBuffer Buffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array Blob".split(
    " ",
  ),
);
/** The types of the standard library that no payload can hold. */
const LOST: ReadonlySet<string> = new Set(["Date", "Map", "Set", "WeakMap", "WeakSet", "RegExp"]);

/** The values of a type with a call signature. */
const A_FUNCTION = "a function";

/**
 * Tests if a text or an array has a property too. But for the length, what they have beside the
 * positions are functions.
 */
function isOfOthers(name: string, set: ValueSet): boolean {
  if (name === "length" || /^\d+$/.test(name)) return true;
  return (name in Object("") || name in []) && mayBeFunction(set);
}

/** Tests if a function may belong to a set. */
function mayBeFunction(given: ValueSet): boolean {
  const set = resolved(given);
  if (set?.kind === "union") return set.members.some(mayBeFunction);
  if (set?.kind === "unsure") return mayBeFunction(set.within);
  if (set?.kind === "lost" || set?.kind === "none") return set.what === A_FUNCTION;
  return set === null || !["text", "number", "literal", "array", "absent"].includes(set.kind);
}

/** Limit of types read, above any payload. Only the types of platform objects reach further. */
const MAX_TYPES = 2_000;

/** A value of type void. The type allows any value, which nobody may read. */
const ANY_OF_VOID: ValueSet = { kind: "any", why: "the type void, which allows any value" };

/** The payloads of the type `object`. */
const ANY_OBJECT: ValueSet = unionOf([
  { kind: "object", properties: new Map(), others: { type: "ignored" }, isKeyed: false },
  arrayOf(ANY),
  { kind: "bytes", forms: formsOf(Object) },
  { kind: "stream" },
]);

/** Reads types in one direction: as outputs ("passed") or as inputs ("taken"). */
export class TypeSets {
  readonly #typeScript: TypeScriptApi;
  readonly #checker: Checker;
  readonly #isPassed: boolean;
  /** The sets of types read so far, by the checker's id of the type. */
  readonly #read = new Map<number, ValueSet>();

  constructor(typeScript: TypeScriptApi, checker: Checker, direction: "passed" | "taken") {
    this.#typeScript = typeScript;
    this.#checker = checker;
    this.#isPassed = direction === "passed";
  }

  /** Returns the set of a type. Each type is read once; a recursive type refers to itself. */
  of(type: Type | undefined): ValueSet {
    if (type === undefined) return this.#unknown("a type that cannot be read");
    const before = this.#read.get(type.id);
    if (before !== undefined) return before;
    const reference: Reference = { kind: "reference", to: null };
    this.#read.set(type.id, reference);
    const set = this.#set(type);
    reference.to = set;
    this.#read.set(type.id, set);
    return set;
  }

  /**
   * Returns the set of an awaited value: promises are unwrapped, also inside a union. `nothing` is
   * the set of a result of type void.
   */
  ofAwaited(type: Type | undefined, nothing: ValueSet): ValueSet {
    if (type?.isUnionType() === true)
      return unionOf(type.getTypes().map((member) => this.ofAwaited(member, nothing)));
    if (type !== undefined && type.flags & this.#typeScript.TypeFlags.Void) return nothing;
    const isPromise = type?.getSymbol()?.name === "Promise" && type.isTypeReference();
    return isPromise
      ? this.ofAwaited(this.#checker.getTypeArguments(type)[0], nothing)
      : this.of(type);
  }

  /** Reads a type by its flags. The order matters: a literal type also has the flag of its base. */
  #set(type: Type): ValueSet {
    const { flags } = type;
    const { TypeFlags } = this.#typeScript;
    if (flags & (TypeFlags.Any | TypeFlags.Unknown))
      return this.#isPassed ? { kind: "any", why: "a type that is not declared" } : ANY;
    if (flags & TypeFlags.Void && this.#isPassed) return ANY_OF_VOID;
    if (flags & (TypeFlags.Void | TypeFlags.Undefined)) return ABSENT;
    if (flags & TypeFlags.Null) return NULL;
    // A function that never returns passes no value.
    if (flags & TypeFlags.Never) return this.#isPassed ? unionOf([]) : this.#impossible("nothing");
    if (flags & TypeFlags.BigIntLike) return this.#impossible("a BigInt");
    if (flags & TypeFlags.ESSymbolLike) return this.#impossible("a symbol");
    if (type.isLiteralType() && typeof type.value !== "bigint") return literal(type.value);
    if (type.isUnionType()) return unionOf(type.getTypes().map((member) => this.of(member)));
    if (flags & TypeFlags.StringLike) return flags & TypeFlags.String ? TEXT : this.#part(TEXT);
    if (flags & TypeFlags.NumberLike) return flags & TypeFlags.Number ? NUMBER : this.#part(NUMBER);
    if (type.isIntersectionType()) return this.#intersection(type.getTypes(), type);
    // A type parameter stands for its constraint. Without a constraint, every value is accepted.
    if (type.isTypeParameter()) {
      const constraint = this.#checker.getBaseConstraintOfType(type);
      if (constraint !== undefined) return this.of(constraint);
      return this.#isPassed ? this.#unknown("a type that the caller chooses") : ANY;
    }
    if (flags & TypeFlags.NonPrimitive)
      return this.#isPassed ? this.#unknown("the type object") : ANY_OBJECT;
    return flags & TypeFlags.Object ? this.#object(type) : this.#unknown("a type of another kind");
  }

  /** An unknown part of a set, for types such as template literals. */
  #part(within: ValueSet): ValueSet {
    return { kind: "unsure", within, why: "a type that narrows it" };
  }

  /** Reads a branded primitive as a part of the primitive, other parts as one object. */
  #intersection(parts: readonly Type[], whole: Type): ValueSet {
    const { TypeFlags } = this.#typeScript;
    const primitive = parts.find(
      ({ flags }) => flags & (TypeFlags.StringLike | TypeFlags.NumberLike),
    );
    return primitive === undefined ? this.#object(whole) : this.#part(this.of(primitive));
  }

  /** Reads an object type: bytes, a stream, an array, a plain object, or a lost value. */
  #object(type: Type): ValueSet {
    const checker = this.#checker;
    const { SignatureKind, SymbolFlags } = this.#typeScript;
    const own = type.getSymbol();
    // A project may give the name of a type of the platform to a type of its own.
    const isPlatform = own?.declarations.every(({ path }) => path.endsWith(".d.ts")) ?? false;
    const name = isPlatform ? (own?.name ?? "") : "";
    if (BYTES.has(name)) return { kind: "bytes", forms: formsOf(Reflect.get(globalThis, name)) };
    if (name === "ReadableStream") return { kind: "stream" };
    if (name === "File")
      return this.#isPassed ? { kind: "bytes", forms: ["Blob"] } : this.#impossible("a File");
    if (LOST.has(name)) return this.#impossible(`a ${name}`);
    if (checker.isTupleType(type) && type.isTypeReference()) return this.#tuple(type);
    if (checker.isArrayType(type) && type.isTypeReference())
      return arrayOf(this.of(checker.getTypeArguments(type)[0]));
    if (checker.getSignaturesOfType(type, SignatureKind.Call).length > 0)
      return this.#impossible(A_FUNCTION);
    if (own !== undefined && own.flags & SymbolFlags.Class)
      return this.#unknown("an instance of a class");
    const properties = new Map<string, Property>();
    const symbols = checker.getPropertiesOfType(type);
    // An object with methods is the instance of a class. The codec decides about instances.
    const hasMethods = symbols.some(({ flags }) => flags & SymbolFlags.Method);
    if (hasMethods || this.#read.size > MAX_TYPES) return this.#unknown("an object with functions");
    for (const symbol of symbols) properties.set(symbol.name, this.#property(symbol));
    const indexes = checker.getIndexInfosOfType(type);
    const required = symbols.filter((symbol) => (symbol.flags & SymbolFlags.Optional) === 0);
    const isShaped = ({ name: one }: TypeSymbol): boolean =>
      isOfOthers(one, properties.get(one)?.set ?? ANY);
    const isShared =
      indexes.length === 0
        ? required.every(isShaped) && (symbols.length === 0 || symbols.some(isShaped))
        : indexes.some(({ keyType }) => keyType.flags & this.#typeScript.TypeFlags.Number);
    if (isShared && this.#isPassed)
      return this.#unknown("a type that numbers, texts or arrays have too");
    const others: Others =
      indexes.length === 0
        ? { type: this.#isPassed ? "unsure" : "ignored" }
        : {
            type: "each",
            keys: TEXT,
            values: unionOf(indexes.map((one) => this.of(one.valueType))),
          };
    const object: ValueSet = { kind: "object", properties, others, isKeyed: false };
    if (!isShared) return object;
    const why = "a type that numbers, texts or arrays have too";
    return unionOf([object, { kind: "unsure", within: ANY, why }]);
  }

  /** Reads a property. A property that allows undefined is optional: JSON drops undefined. */
  #property(symbol: TypeSymbol): Property {
    const { SymbolFlags, TypeFlags } = this.#typeScript;
    const type = this.#checker.getTypeOfSymbol(symbol);
    const members = type?.isUnionType() === true ? type.getTypes() : [];
    const isUndefined = members.some(({ flags }) => flags & TypeFlags.Undefined);
    const set = this.of(type);
    return {
      set,
      mayBeAbsent:
        (symbol.flags & SymbolFlags.Optional) !== 0 || isUndefined || containsAbsent(set) === true,
    };
  }

  /**
   * Reads a tuple. Optional items may be absent: an array keeps no undefined. Items behind a rest
   * element count as a part of the rest.
   */
  #tuple(type: Type): ValueSet {
    const target = type.isTypeReference() ? type.getTarget() : undefined;
    if (!type.isTypeReference() || target?.isTupleType() !== true) return this.#unknown("a tuple");
    const { ElementFlags } = this.#typeScript;
    const flags = target.elementFlags;
    const items = this.#checker.getTypeArguments(type).map((item, index) => {
      const set = this.of(item);
      return flags[index] === ElementFlags.Optional ? withoutAbsent(set) : set;
    });
    // A spread of a type parameter has no known items.
    if (flags.includes(ElementFlags.Variadic)) return this.#unknown("a tuple");
    const start = flags.indexOf(ElementFlags.Rest);
    const [first, further] =
      start === -1 ? [items, []] : [items.slice(0, start), items.slice(start)];
    const array: ValueSet = {
      kind: "array",
      first,
      rest: further.length === 0 ? null : unionOf(further),
      min: flags.filter((flag) => flag === ElementFlags.Required).length,
      max: start === -1 ? first.length : Number.POSITIVE_INFINITY,
    };
    // A set of arrays says nothing about the last items.
    return this.#isPassed || further.length <= 1 ? array : this.#part(array);
  }

  /** An unknown type: any value of a parent, an unsure part of every value for a child. */
  #unknown(why: string): ValueSet {
    if (this.#isPassed) return { kind: "any", why };
    return { kind: "unsure", within: { kind: "any", why: null }, why };
  }

  /** A type that no payload can hold: lost for a parent, empty for a child. */
  #impossible(what: string): ValueSet {
    return { kind: this.#isPassed ? "lost" : "none", what };
  }
}

/**
 * Reads TypeScript types as sets of payload values. A type is what an author says of a plain
 * function: nothing checks it at run time. An object type stands for objects with its properties
 * only.
 */
import type { Checker, Symbol as TypeSymbol, Type } from "typescript/unstable/sync";
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
  TEXT,
  unionOf,
  type ValueSet,
} from "./value-set.ts";

/** Types of the standard library that are payloads themselves. */
const BYTES: ReadonlySet<string> = new Set(
  "ArrayBuffer Buffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array Blob".split(
    " ",
  ),
);
/** Types that no payload can hold. */
const LOST: ReadonlySet<string> = new Set(["Date", "Map", "Set", "WeakMap", "WeakSet", "RegExp"]);

/** More types than the payloads of a project have; types of a platform's objects have more. */
const MAX_TYPES = 2_000;

/** Reads types in one direction: as what is passed, or as what is taken. */
export class TypeSets {
  readonly #typeScript: TypeScriptApi;
  readonly #checker: Checker;
  readonly #isPassed: boolean;
  readonly #read = new Map<number, ValueSet>();

  constructor(typeScript: TypeScriptApi, checker: Checker, direction: "passed" | "taken") {
    this.#typeScript = typeScript;
    this.#checker = checker;
    this.#isPassed = direction === "passed";
  }

  /** The set of a type. Each type is read once. */
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

  /** The set of the value that a promise of this type, or the value itself, gives. */
  ofAwaited(type: Type | undefined): ValueSet {
    if (type?.isUnionType() === true)
      return unionOf(type.getTypes().map((member) => this.ofAwaited(member)));
    const isPromise = type?.getSymbol()?.name === "Promise" && type.isTypeReference();
    return isPromise ? this.ofAwaited(this.#checker.getTypeArguments(type)[0]) : this.of(type);
  }

  #set(type: Type): ValueSet {
    const { flags } = type;
    const { TypeFlags } = this.#typeScript;
    if (flags & (TypeFlags.Any | TypeFlags.Unknown))
      return this.#isPassed ? { kind: "any", why: "a type that is not declared" } : ANY;
    if (flags & (TypeFlags.Void | TypeFlags.Undefined)) return ABSENT;
    if (flags & TypeFlags.Null) return NULL;
    if (flags & TypeFlags.Never) return this.#isPassed ? unionOf([]) : this.#impossible("nothing");
    if (flags & TypeFlags.BigIntLike) return this.#impossible("a BigInt");
    if (flags & TypeFlags.ESSymbolLike) return this.#impossible("a symbol");
    if (type.isLiteralType() && typeof type.value !== "bigint") return literal(type.value);
    if (type.isUnionType()) return unionOf(type.getTypes().map((member) => this.of(member)));
    if (flags & TypeFlags.StringLike) return flags & TypeFlags.String ? TEXT : this.#part(TEXT);
    if (flags & TypeFlags.NumberLike) return flags & TypeFlags.Number ? NUMBER : this.#part(NUMBER);
    if (type.isIntersectionType()) return this.#intersection(type.getTypes(), type);
    if (type.isTypeParameter())
      return this.of(this.#checker.getBaseConstraintOfType(type) ?? undefined);
    return flags & TypeFlags.Object ? this.#object(type) : this.#unknown("a type of another kind");
  }

  /** Texts or numbers that a type narrows in a way that is not modelled. */
  #part(within: ValueSet): ValueSet {
    return { kind: "unsure", within, why: "a type that narrows it" };
  }

  /** A primitive with a brand, or the properties of all parts. */
  #intersection(parts: readonly Type[], whole: Type): ValueSet {
    const { TypeFlags } = this.#typeScript;
    const primitive = parts.find(
      ({ flags }) => flags & (TypeFlags.StringLike | TypeFlags.NumberLike),
    );
    return primitive === undefined ? this.#object(whole) : this.#part(this.of(primitive));
  }

  /** Tells payloads of the standard library from plain objects. */
  #object(type: Type): ValueSet {
    const checker = this.#checker;
    const { SignatureKind, SymbolFlags } = this.#typeScript;
    const name = type.getSymbol()?.name ?? "";
    if (BYTES.has(name)) return { kind: "bytes", forms: [name] };
    if (name === "ReadableStream") return { kind: "stream" };
    if (name === "File")
      return this.#isPassed ? { kind: "bytes", forms: ["Blob"] } : this.#impossible("a File");
    if (LOST.has(name)) return this.#impossible(`a ${name}`);
    if (checker.isTupleType(type) && type.isTypeReference()) return this.#tuple(type);
    if (checker.isArrayType(type) && type.isTypeReference())
      return arrayOf(this.of(checker.getTypeArguments(type)[0]));
    if (checker.getSignaturesOfType(type, SignatureKind.Call).length > 0)
      return this.#impossible("a function");
    const properties = new Map<string, Property>();
    const symbols = checker.getPropertiesOfType(type);
    // An object with methods is an instance of a class, of which little is known.
    const hasMethods = symbols.some(({ flags }) => flags & SymbolFlags.Method);
    if (hasMethods || this.#read.size > MAX_TYPES) return this.#unknown("an object with functions");
    for (const symbol of symbols) properties.set(symbol.name, this.#property(symbol));
    const [index] = checker.getIndexInfosOfType(type);
    const others: Others =
      index === undefined
        ? { type: this.#isPassed ? "none" : "ignored" }
        : { type: "each", keys: TEXT, values: this.of(index.valueType) };
    return { kind: "object", properties, others, isKeyed: false };
  }

  /** A property is optional if undefined is allowed. */
  #property(symbol: TypeSymbol): Property {
    const { SymbolFlags, TypeFlags } = this.#typeScript;
    const type = this.#checker.getTypeOfSymbol(symbol);
    const members = type?.isUnionType() === true ? type.getTypes() : [];
    const isUndefined = members.some(({ flags }) => flags & TypeFlags.Undefined);
    return {
      set: this.of(type),
      mayBeAbsent: (symbol.flags & SymbolFlags.Optional) !== 0 || isUndefined,
    };
  }

  /** A tuple of fixed items; one with optional or further items is an array of all of them. */
  #tuple(type: Type): ValueSet {
    if (!type.isTypeReference()) return this.#unknown("a tuple");
    const items = this.#checker.getTypeArguments(type).map((item) => this.of(item));
    const target = type.getTarget();
    const { ElementFlags } = this.#typeScript;
    const isFixed =
      target.isTupleType() && target.elementFlags.every((flag) => flag === ElementFlags.Required);
    if (!isFixed)
      return this.#isPassed ? arrayOf(unionOf(items)) : this.#part(arrayOf(unionOf(items)));
    return { kind: "array", first: items, rest: null, min: items.length, max: items.length };
  }

  #unknown(why: string): ValueSet {
    if (this.#isPassed) return { kind: "any", why };
    return { kind: "unsure", within: { kind: "any", why: null }, why };
  }

  /** Values that no payload holds. */
  #impossible(what: string): ValueSet {
    return { kind: this.#isPassed ? "lost" : "none", what };
  }
}

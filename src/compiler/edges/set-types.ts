/**
 * Writes sets of values as TypeScript types, for programs that have neither the pipelines nor zod.
 * A type is never narrower than the set: tests of texts and numbers have no type, so the deployment
 * still refuses some values that compile.
 */
import {
  type ArraySet,
  type ObjectSet,
  type Reference,
  type ValueSet,
  withoutAbsent,
} from "./value-set.ts";

/** The values that the client sends as bytes. */
const BYTES = "Uint8Array | ArrayBuffer | Blob";

/** Limit of characters for a repeated type. */
const MAX_REPEATED = 500;

/** Writes the types of several sets. Recursive types get a name, and stand in `aliases`. */
export class SetTypes {
  readonly #aliases: string[] = [];
  /** The names of the references that are being written, or have a name. */
  readonly #names = new Map<Reference, string>();
  /** The names that a recursive type has used. */
  readonly #used = new Set<string>();
  #count = 0;
  /** The written types of sets with parts, or the names of the types. */
  readonly #written = new Map<ValueSet, string>();
  #sharedCount = 0;

  /** The declarations of the named types, one a line. */
  get aliases(): readonly string[] {
    return this.#aliases;
  }

  /** Writes the type of a set. */
  of(set: ValueSet): string {
    switch (set.kind) {
      case "any":
        return "unknown";
      // No value of the first kind exists, and no payload holds the second.
      case "none":
      case "lost":
        return "never";
      case "absent":
        return "undefined";
      case "literal":
        return JSON.stringify(set.value);
      case "number":
        return "number";
      case "text":
        return "string";
      case "bytes":
        return BYTES;
      case "stream":
        return "ReadableStream<Uint8Array>";
      case "unsure":
        return this.of(set.within);
      case "union":
        return this.#shared(set, () => this.#union(set.members));
      case "every":
        return set.parts.map((part) => grouped(this.of(part))).join(" & ") || "unknown";
      case "array":
        return this.#shared(set, () => this.#array(set));
      case "object":
        return this.#shared(set, () => this.#object(set));
      case "reference":
        return this.#reference(set);
    }
  }

  /** Writes a union. True and false together become `boolean`. */
  #union(members: readonly ValueSet[]): string {
    const texts = new Set(members.map((member) => this.of(member)));
    const isBoolean = texts.has("true") && texts.has("false");
    const others = [...texts].filter((text) => !isBoolean || (text !== "true" && text !== "false"));
    return [...others, ...(isBoolean ? ["boolean"] : [])].join(" | ") || "never";
  }

  /** Writes an array as `string[]`, a tuple as `[string, number?]`. */
  #array({ first, rest, min }: ArraySet): string {
    if (first.length === 0) return rest === null ? "[]" : `${grouped(this.of(rest))}[]`;
    const items = first.map((item, index) => {
      const type = grouped(this.of(item));
      return index >= min ? `${type}?` : type;
    });
    const more = rest === null ? [] : [`...${grouped(this.of(rest))}[]`];
    return `[${[...items, ...more].join(", ")}]`;
  }

  /**
   * Writes a set with parts. A long type gets a name at the second place, since nested parts would
   * repeat the type without end.
   */
  #shared(set: ValueSet, write: () => string): string {
    const known = this.#written.get(set);
    if (known === undefined) {
      const text = write();
      this.#written.set(set, text);
      return text;
    }
    if (known.length <= MAX_REPEATED) return known;
    this.#sharedCount += 1;
    const name = `Shared${this.#sharedCount}`;
    this.#aliases.push(`type ${name} = ${known};`);
    this.#written.set(set, name);
    return name;
  }

  /**
   * Writes an object. TypeScript holds named properties against the index signature, so the type of
   * the signature includes the named types.
   */
  #object({ properties, others }: ObjectSet): string {
    const types: string[] = [];
    const named = [...properties].map(([name, { set, mayBeAbsent }]) => {
      const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
      const isOptional = mayBeAbsent !== false;
      const type = this.of(isOptional ? withoutAbsent(set) : set);
      types.push(type, ...(isOptional ? ["undefined"] : []));
      return `${key}${isOptional ? "?" : ""}: ${type}`;
    });
    const object = named.length === 0 ? null : named.join("; ");
    if (others.type !== "each")
      return object === null ? "Record<string, unknown>" : `{ ${object} }`;
    const further = this.of(others.values);
    if (object === null) return `Record<string, ${further}>`;
    const all = further === "unknown" ? further : [...new Set([further, ...types])].join(" | ");
    return `{ ${object}; [key: string]: ${all} }`;
  }

  /** Writes the set behind a reference, or the name of a type that contains itself. */
  #reference(reference: Reference): string {
    const known = this.#names.get(reference);
    if (known !== undefined) {
      this.#used.add(known);
      return known;
    }
    if (reference.to === null) return "unknown";
    this.#count += 1;
    const name = `Recursive${this.#count}`;
    this.#names.set(reference, name);
    const text = this.of(reference.to);
    if (!this.#used.has(name)) {
      this.#names.delete(reference);
      return text;
    }
    this.#aliases.push(`type ${name} = ${text};`);
    return name;
  }
}

/** Puts a union or an intersection into brackets, for a place inside another type. */
function grouped(type: string): string {
  return /[|&]/.test(type) ? `(${type})` : type;
}

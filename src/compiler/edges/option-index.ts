/**
 * Finds the possible options of a large union by literals and by the tags of objects. Without an
 * index, the comparison of two unions with a thousand options each takes a million steps.
 */
import { type ObjectSet, resolved, type ValueSet } from "./value-set.ts";

/** The least number of options for which an index is made. */
const MIN_OPTIONS = 16;

type Literal = string | number | boolean | null;

/** The options of one union. */
export class OptionIndex {
  readonly #literals = new Map<Literal, ValueSet>();
  /** The options except for literals. */
  readonly #others: readonly ValueSet[];
  /** The property with literals in the most options; null without literals. */
  readonly #tag: string | null;
  readonly #byTag = new Map<Literal, ValueSet[]>();
  /** The options without a listed tag. */
  readonly #untagged: ValueSet[] = [];

  private constructor(options: readonly ValueSet[]) {
    const others: ValueSet[] = [];
    for (const option of options) {
      const set = resolved(option);
      if (set?.kind === "literal") this.#literals.set(set.value, option);
      else others.push(option);
    }
    this.#others = others;
    this.#tag = tagOf(others);
    for (const option of others) {
      const values = this.#tag === null ? null : tagValues(option, this.#tag);
      if (values === null) this.#untagged.push(option);
      for (const value of values ?? []) {
        const known = this.#byTag.get(value);
        if (known === undefined) this.#byTag.set(value, [option]);
        else known.push(option);
      }
    }
  }

  /** Makes an index; null for a small union. */
  static of(options: readonly ValueSet[]): OptionIndex | null {
    return options.length < MIN_OPTIONS ? null : new OptionIndex(options);
  }

  /**
   * Returns the options that may share a value with a set, in any order. Null if the index cannot
   * decide.
   */
  candidates(passed: ValueSet): readonly ValueSet[] | null {
    if (passed.kind === "literal") {
      const same = this.#literals.get(passed.value);
      return same === undefined ? this.#others : [same];
    }
    if (passed.kind !== "object" || this.#tag === null) return null;
    const property = passed.properties.get(this.#tag);
    const tag = property?.mayBeAbsent === false ? resolved(property.set) : null;
    if (tag?.kind !== "literal") return null;
    return [...(this.#byTag.get(tag.value) ?? []), ...this.#untagged];
  }
}

/** Finds the property with literals in the most objects. */
function tagOf(options: readonly ValueSet[]): string | null {
  const counts = new Map<string, number>();
  for (const option of options)
    for (const name of objectOf(option)?.properties.keys() ?? [])
      if (tagValues(option, name) !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  const [best] = [...counts].toSorted(([, one], [, other]) => other - one);
  return best?.[0] ?? null;
}

/** Returns the literals of a required property; null for an option without. */
function tagValues(option: ValueSet, name: string): readonly Literal[] | null {
  const property = objectOf(option)?.properties.get(name);
  const set = property?.mayBeAbsent === false ? resolved(property.set) : null;
  const members = set?.kind === "union" ? set.members : set === null ? [] : [set];
  const values = members.flatMap((member) => {
    const found = resolved(member);
    return found?.kind === "literal" ? [found.value] : [];
  });
  return members.length > 0 && values.length === members.length ? values : null;
}

/** Returns the object behind an option, also behind an unknown part. */
function objectOf(option: ValueSet): ObjectSet | null {
  const set = resolved(option);
  if (set?.kind === "unsure") return objectOf(set.within);
  return set?.kind === "object" ? set : null;
}

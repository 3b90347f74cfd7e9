/**
 * Decides whether the set of a child contains the set of its parent. "Fits" is a promise. "Misfit"
 * is certain too: the structure differs, or no value fits. Every other case is "unknown", and names
 * the test that decides at run time.
 *
 * Sets may be recursive. A pair of sets that recurs within its own comparison counts as a fit. The
 * assumption is sound if the rest of the comparison finds no misfit (coinduction).
 *
 * The class has about 280 lines: the rules for each kind of set call one another, and all need the
 * pairs that are under comparison.
 */
import { isAccepted, isEndless, listedNumbers, numberFits, textFits } from "./compare-leaves.ts";
import { areDisjoint } from "./disjoint-sets.ts";
import { OptionIndex } from "./option-index.ts";
import { splitByTag } from "./split-set.ts";
import {
  type ArraySet,
  literal,
  type ObjectSet,
  type Property,
  resolved,
  unionOf,
  type ValueSet,
  withoutAbsent,
} from "./value-set.ts";
import {
  absence,
  at,
  FITS,
  leaf,
  lengthVerdict,
  misfit,
  unknown,
  type Verdict,
  worst,
} from "./verdict.ts";

/** Compares the set that is passed with the set that is taken. */
export function compareSets(passed: ValueSet, taken: ValueSet): Verdict {
  return new Comparison().compare(passed, taken, true);
}

/**
 * Compares sets of values that no codec encodes in between: undefined stays undefined inside of
 * objects and arrays, and no value is lost.
 */
export function compareBare(passed: ValueSet, taken: ValueSet): Verdict {
  return new Comparison(true).compare(passed, taken, true);
}

/** Limit of compared pairs, far above real schemas. Beyond the limit the answer is unknown. */
const MAX_STEPS = 5_000;
/** Limit of nested pairs. */
const MAX_DEPTH = 200;

/** A comparison, with its open pairs and its decided pairs. */
class Comparison {
  /** True without a codec in between. */
  readonly #isBare: boolean;
  /** The number of pairs compared so far. */
  #steps = 0;
  /** The pairs under comparison, with their depth. */
  readonly #open = new Map<ValueSet, Map<ValueSet, number>>();
  #depth = 0;
  /** The least depth of an open pair that was assumed to fit. */
  #assumed = Number.POSITIVE_INFINITY;
  /** The provisional fits, with the least depth of an assumed pair. */
  readonly #provisional = new Map<ValueSet, Map<ValueSet, number>>();
  /** The provisional pairs, the newest last. */
  readonly #order: (readonly [ValueSet, ValueSet])[] = [];
  /** The final verdicts, by pair. */
  readonly #done = new Map<ValueSet, Map<ValueSet, Verdict>>();

  /** The indexes of large unions, by their options. */
  readonly #indexes = new WeakMap<readonly ValueSet[], OptionIndex | null>();

  constructor(isBare = false) {
    this.#isBare = isBare;
  }

  /** Compares one pair. `isWhole`: the value is a whole payload, and may be bytes or a stream. */
  compare(given: ValueSet, wanted: ValueSet, isWhole: boolean): Verdict {
    const [passed, taken] = [resolved(given), resolved(wanted)];
    // A set that consists of itself has no value, so nothing can fail.
    if (passed === null) return FITS;
    if (taken === null) return unknown(passed, null, "a schema that consists of itself");
    // No task passes a value that the codec cannot encode; `checkOutputs` reports such values.
    if (takesAll(taken)) return FITS;
    if (passed.kind === "lost")
      return this.#isBare ? unknown(passed, taken, `${passed.what} decides`) : FITS;
    // Bytes inside a payload are lost as well.
    if (!isWhole && !this.#isBare && (passed.kind === "bytes" || passed.kind === "stream"))
      return FITS;
    const isLeaf = passed.kind !== "object" && passed.kind !== "array" && passed.kind !== "union";
    if (isLeaf) return this.#decide(passed, taken, isWhole);
    const finished = this.#done.get(passed)?.get(taken);
    if (finished !== undefined) return finished;
    const opened = this.#open.get(passed)?.get(taken);
    if (opened !== undefined) {
      this.#assumed = Math.min(this.#assumed, opened);
      return FITS;
    }
    const provisional = this.#provisional.get(passed)?.get(taken);
    if (provisional !== undefined) {
      this.#assumed = Math.min(this.#assumed, provisional);
      return FITS;
    }
    this.#steps += 1;
    if (this.#steps > MAX_STEPS || this.#depth > MAX_DEPTH)
      return unknown(passed, taken, "schemas that are too large to compare");
    return this.#within(passed, taken, () => this.#decide(passed, taken, isWhole));
  }

  /**
   * Decides a pair while the pair counts as open. A verdict without an assumption about an outer
   * pair is final. A fit under an assumption is provisional, until the outer pair is decided.
   */
  #within(passed: ValueSet, taken: ValueSet, decide: () => Verdict): Verdict {
    const depth = this.#depth;
    const before = this.#assumed;
    const mark = this.#order.length;
    this.#assumed = Number.POSITIVE_INFINITY;
    entryOf(this.#open, passed).set(taken, depth);
    this.#depth += 1;
    const verdict = decide();
    this.#depth -= 1;
    this.#open.get(passed)?.delete(taken);
    const isFinal = this.#assumed >= depth;
    if (isFinal || verdict.answer !== "fits")
      for (const [one, other] of this.#order.splice(mark)) {
        this.#provisional.get(one)?.delete(other);
        if (verdict.answer === "fits") entryOf(this.#done, one).set(other, FITS);
      }
    if (isFinal) {
      entryOf(this.#done, passed).set(taken, verdict);
      this.#assumed = before;
      return verdict;
    }
    if (verdict.answer === "fits") {
      entryOf(this.#provisional, passed).set(taken, this.#assumed);
      this.#order.push([passed, taken]);
    }
    this.#assumed = Math.min(this.#assumed, before);
    return verdict;
  }

  /**
   * Takes unions and unknown parts apart, the parent's side first: every member of a parent's union
   * must fit, while one option of a child's union is enough.
   */
  #decide(passed: Known, taken: Known, isWhole: boolean): Verdict {
    if (passed.kind === "union")
      return worst(passed.members.map((member) => this.compare(member, taken, isWhole)));
    if (passed.kind === "unsure") {
      const verdict = this.compare(passed.within, taken, isWhole);
      if (verdict.answer !== "misfit" || areDisjoint(passed.within, taken)) return verdict;
      return { ...verdict, answer: "unknown", why: `${passed.why} of the parent decides` };
    }
    if (taken.kind === "unsure") {
      const verdict = this.compare(passed, taken.within, isWhole);
      return verdict.answer === "fits" ? unknown(passed, taken, `${taken.why} decides`) : verdict;
    }
    // A value must be in each part of an intersection.
    if (taken.kind === "every")
      return worst(taken.parts.map((part) => this.compare(passed, part, isWhole)));
    if (passed.kind === "any")
      return unknown(
        passed,
        taken,
        `${passed.why ?? "nothing declared"}: its values are not known`,
      );
    const listed = numbersFor(passed, taken);
    if (listed !== null)
      return worst(listed.map((value) => this.compare(literal(value), taken, isWhole)));
    if (taken.kind === "union") return this.#option(passed, taken.members, isWhole);
    return this.#structure(passed, taken);
  }

  /** Compares with the options of a union. Options without a common value are left out. */
  #option(passed: Known, options: readonly ValueSet[], isWhole: boolean): Verdict {
    const near = this.#indexOf(options)?.candidates(passed);
    if (near === undefined || near === null) return this.#anyOption(passed, options, isWhole);
    if (near.length === 0) return misfit(passed, unionOf(options), "no such value is taken");
    return this.#anyOption(passed, near, isWhole);
  }

  /** Returns the index of a union's options, which is made once. */
  #indexOf(options: readonly ValueSet[]): OptionIndex | null {
    const known = this.#indexes.get(options);
    if (known !== undefined) return known;
    const made = OptionIndex.of(options);
    this.#indexes.set(options, made);
    return made;
  }

  /** Compares with each of some options. */
  #anyOption(passed: Known, options: readonly ValueSet[], isWhole: boolean): Verdict {
    const verdicts = options.map((option) => this.compare(passed, option, isWhole));
    if (verdicts.some(({ answer }) => answer === "fits")) return FITS;
    const split = splitByTag(passed, options);
    if (split !== null)
      return worst(split.map((part) => this.compare(part, unionOf(options), isWhole)));
    const open = verdicts.filter(({ answer }) => answer === "unknown");
    // Options that share no value with what is passed decide nothing.
    const near = options.filter((option) => !areDisjoint(passed, option));
    const [only] = near;
    if (near.length === 0) return misfit(passed, unionOf(options), "no such value is taken");
    if (near.length === 1 && only !== undefined) return this.compare(passed, only, isWhole);
    const certain = this.#beyond(passed, near);
    if (certain !== null) return certain;
    const [first] = open;
    return (
      first ?? unknown(passed, unionOf(options), "no single option of the union takes every value")
    );
  }

  /** Finds a part of the parent's set that no option contains. Null without such a part. */
  #beyond(passed: Known, options: readonly ValueSet[]): Verdict | null {
    const sets = options.map((option) => resolved(option));
    // Literals alone cannot contain every text.
    const isAnyText = passed.kind === "text" && passed.tests.length === 0;
    const isListed = passed.kind !== "number" || listedNumbers(passed, sets.length) !== null;
    if ((isAnyText || !isListed) && sets.every((set) => set?.kind === "literal"))
      return misfit(passed, unionOf(options), "only these values are taken");
    if (passed.kind !== "object") return null;
    for (const [name, { set }] of passed.properties) {
      const wanted = sets.map((one) =>
        one?.kind === "object" ? one.properties.get(name)?.set : undefined,
      );
      const named = wanted.filter((one) => one !== undefined);
      // An option without the property may accept the object.
      if (named.length < wanted.length) continue;
      const verdict = this.compare(withoutAbsent(set), unionOf(named), passed.isKeyed);
      if (verdict.answer === "misfit") return at(name, verdict);
    }
    return null;
  }

  /** Compares two sets that are neither unions nor unknown. */
  #structure(passed: Known, taken: Known): Verdict {
    if (taken.kind === "none") return misfit(passed, taken, `no payload is ${taken.what}`);
    if (passed.kind === "literal") {
      const accepted = isAccepted(passed.value, taken);
      if (accepted === "unsure") return unknown(passed, taken, "the format decides");
      return accepted ? FITS : misfit(passed, taken, "it is not taken");
    }
    if (passed.kind === "absent")
      return taken.kind === "absent" ? FITS : misfit(passed, taken, "nothing may be there");
    if (taken.kind === "literal" && mayBeOnly(passed, taken.value))
      return unknown(passed, taken, "the value decides");
    if (passed.kind === "number" && taken.kind === "number")
      return leaf(passed, taken, numberFits(passed, taken));
    if (passed.kind === "text" && taken.kind === "text")
      return leaf(passed, taken, textFits(passed, taken));
    if (passed.kind === "array" && taken.kind === "array") return this.#array(passed, taken);
    if (passed.kind === "object" && taken.kind === "object") return this.#object(passed, taken);
    if (passed.kind === "bytes" && taken.kind === "bytes") {
      const isTaken = passed.forms.every((form) => taken.forms.includes(form));
      return isTaken ? FITS : misfit(passed, taken, "the bytes are of another class");
    }
    if (passed.kind === "stream" && taken.kind === "stream") return FITS;
    // Zod accepts bytes as an object if the object requires no property that bytes lack.
    if ((passed.kind === "bytes" || passed.kind === "stream") && taken.kind === "object")
      return unknown(passed, taken, "bytes are held against an object");
    return misfit(passed, taken, "another type is taken");
  }

  /** Compares arrays item by item, and their lengths. */
  #array(passed: ArraySet, taken: ArraySet): Verdict {
    const verdicts: Verdict[] = [];
    const count = Math.max(passed.first.length, taken.first.length);
    for (let index = 0; index < count; index += 1) {
      const item = passed.first[index] ?? passed.rest;
      // Items that the parent never passes need no comparison.
      if (item === null || index >= passed.max) break;
      const expected = taken.first[index] ?? taken.rest;
      if (expected === null) break;
      verdicts.push(at(`[${index}]`, this.compare(this.#kept(item), expected, false)));
    }
    if (passed.rest !== null && taken.rest !== null && passed.max > count)
      verdicts.push(at("[]", this.compare(this.#kept(passed.rest), taken.rest, false)));
    return worst([lengthVerdict(passed, taken), ...verdicts]);
  }

  /** Compares objects property by property, then the properties that the child does not name. */
  #object(passed: ObjectSet, taken: ObjectSet): Verdict {
    const isWhole = passed.isKeyed;
    const verdicts = [...taken.properties].map(([name, property]) =>
      at(name, this.#property(name, property, passed)),
    );
    for (const [name, property] of passed.properties) {
      if (taken.properties.has(name)) continue;
      if (taken.others.type === "ignored" || taken.others.type === "unsure") continue;
      if (taken.others.type === "none") {
        verdicts.push(at(name, misfit(property.set, null, "no such property is taken")));
        continue;
      }
      const key = this.compare({ kind: "literal", value: name }, taken.others.keys, false);
      verdicts.push(
        at(
          name,
          worst([key, this.compare(this.#kept(property.set), taken.others.values, isWhole)]),
        ),
      );
    }
    if (passed.others.type === "unsure" && taken.others.type !== "ignored")
      verdicts.push(unknown(passed, taken, "a type that does not exclude further properties"));
    if (passed.others.type === "each" && taken.others.type === "none")
      verdicts.push(misfit(passed, taken, "further properties may be passed, and none are taken"));
    if (passed.others.type === "each" && taken.others.type === "each") {
      verdicts.push(at("[key]", this.compare(passed.others.keys, taken.others.keys, false)));
      verdicts.push(at("[key]", this.compare(passed.others.values, taken.others.values, isWhole)));
    }
    return worst(verdicts);
  }

  /** The values of a part that reach the child: the codec drops undefined. */
  #kept(set: ValueSet): ValueSet {
    return this.#isBare ? set : withoutAbsent(set);
  }

  /** Compares a property that the child names with the parent's value, or with its absence. */
  #property(name: string, wanted: Property, passed: ObjectSet): Verdict {
    const given = passed.properties.get(name);
    if (given !== undefined) {
      const value = this.compare(this.#kept(given.set), wanted.set, passed.isKeyed);
      if (given.mayBeAbsent === false) return value;
      return worst([value, absence(given.set, wanted, "it may be left out")]);
    }
    // The property may still come from the parent's further properties.
    const { others } = passed;
    if (others.type !== "each" || isAccepted(name, others.keys) === false)
      return absence({ kind: "absent" }, wanted, "it is not passed");
    const value = this.compare(others.values, wanted.set, passed.isKeyed);
    return worst([value, absence(others.values, wanted, "nothing says that it is passed")]);
  }
}

/** Lists the numbers of a parent. Null if the child has fewer literals. */
function numbersFor(passed: Known, taken: Known): readonly number[] | null {
  if (passed.kind !== "number") return null;
  const options = taken.kind === "union" ? taken.members : [taken];
  const named = options.filter((option) => resolved(option)?.kind === "literal");
  const listed = named.length === 0 ? null : listedNumbers(passed, named.length);
  return listed === "unsure" ? null : listed;
}

/** Tests if a literal may be the only value of a set: some tests have no model here. */
function mayBeOnly(passed: Known, value: string | number | boolean | null): boolean {
  if (passed.kind === "number") return listedNumbers(passed, 1) === "unsure";
  return passed.kind === "text" && !isEndless(passed) && isAccepted(value, passed) !== false;
}

/** The answers of `takesAll` about unions. */
const TAKES_ALL = new WeakMap<ValueSet, boolean>();

/** True if a schema such as `z.any().optional()` takes every value. */
function takesAll(taken: Known): boolean {
  if (taken.kind !== "union") return taken.kind === "any";
  const known = TAKES_ALL.get(taken);
  if (known !== undefined) return known;
  const isAny = taken.members.some((member) => resolved(member)?.kind === "any");
  TAKES_ALL.set(taken, isAny);
  return isAny;
}

/** A set without references. */
type Known = NonNullable<ReturnType<typeof resolved>>;

/** Returns the inner map of a key. Creates the map at first use. */
function entryOf<T>(map: Map<ValueSet, Map<ValueSet, T>>, key: ValueSet): Map<ValueSet, T> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<ValueSet, T>();
  map.set(key, made);
  return made;
}

/**
 * Decides whether every value of one set is in another: what a parent passes, and what its child
 * takes. "Fits" is a promise. "Misfit" is certain too: the structure differs, or no value fits.
 * Everything else is "unknown", with what decides at run time.
 *
 * Sets may contain themselves. A pair of sets that is compared within its own comparison is taken to
 * fit, which is right if nothing else in the comparison says no (coinduction).
 */
import { isAccepted, numberFits, textFits } from "./compare-leaves.ts";
import { areDisjoint } from "./disjoint-sets.ts";
import { splitByTag } from "./split-set.ts";
import {
  type ArraySet,
  type ObjectSet,
  type Property,
  resolved,
  unionOf,
  type ValueSet,
  withoutAbsent,
} from "./value-set.ts";

export type Verdict =
  | { readonly answer: "fits" }
  | ({ readonly answer: "misfit" } & Place)
  | ({ readonly answer: "unknown" } & Place);

/** The first place that does not fit, or is not known to. */
export interface Place {
  /** The way to it: property names, `[]` for items. */
  readonly path: readonly string[];
  readonly passed: ValueSet;
  /** Null: nothing is expected there. */
  readonly taken: ValueSet | null;
  /** The fault, or the test that decides at run time. */
  readonly why: string;
}

const FITS: Verdict = { answer: "fits" };

/** Compares the set that is passed with the set that is taken. */
export function compareSets(passed: ValueSet, taken: ValueSet): Verdict {
  return new Comparison().compare(passed, taken, true);
}

/** More steps than any schema of a project takes; beyond, nothing is known. */
const MAX_STEPS = 5_000;
const MAX_DEPTH = 200;

/** One comparison, with the pairs that are open and those that are decided. */
class Comparison {
  #steps = 0;
  /** The pairs that are being compared, with their depth. */
  readonly #open = new Map<ValueSet, Map<ValueSet, number>>();
  #depth = 0;
  /** The least depth of a pair that was taken to fit while it was open. */
  #assumed = Number.POSITIVE_INFINITY;
  readonly #done = new Map<ValueSet, Map<ValueSet, Verdict>>();

  /** `isWhole`: the value is a payload itself, and may be bytes or a stream. */
  compare(given: ValueSet, wanted: ValueSet, isWhole: boolean): Verdict {
    const [passed, taken] = [resolved(given), resolved(wanted)];
    if (passed === null) return FITS;
    if (taken === null) return unknown(passed, null, "a schema that consists of itself");
    // Values that cannot be encoded are never passed; they are reported at their task.
    if (takesAll(taken) || passed.kind === "lost") return FITS;
    if (!isWhole && (passed.kind === "bytes" || passed.kind === "stream")) return FITS;
    const isLeaf = passed.kind !== "object" && passed.kind !== "array" && passed.kind !== "union";
    if (isLeaf) return this.#decide(passed, taken, isWhole);
    const finished = this.#done.get(passed)?.get(taken);
    if (finished !== undefined) return finished;
    const opened = this.#open.get(passed)?.get(taken);
    if (opened !== undefined) {
      this.#assumed = Math.min(this.#assumed, opened);
      return FITS;
    }
    this.#steps += 1;
    if (this.#steps > MAX_STEPS || this.#depth > MAX_DEPTH)
      return unknown(passed, taken, "schemas that are too large to compare");
    return this.#within(passed, taken, () => this.#decide(passed, taken, isWhole));
  }

  /** Keeps a verdict that rests on no pair which is still open. */
  #within(passed: ValueSet, taken: ValueSet, decide: () => Verdict): Verdict {
    const depth = this.#depth;
    const before = this.#assumed;
    this.#assumed = Number.POSITIVE_INFINITY;
    entryOf(this.#open, passed).set(taken, depth);
    this.#depth += 1;
    const verdict = decide();
    this.#depth -= 1;
    this.#open.get(passed)?.delete(taken);
    if (this.#assumed >= depth) {
      entryOf(this.#done, passed).set(taken, verdict);
      this.#assumed = before;
    } else this.#assumed = Math.min(this.#assumed, before);
    return verdict;
  }

  /** Takes unions and unknown parts apart, the parent's side first. */
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
    if (taken.kind === "every")
      return worst(taken.parts.map((part) => this.compare(passed, part, isWhole)));
    if (passed.kind === "any")
      return unknown(
        passed,
        taken,
        `${passed.why ?? "nothing declared"}: its values are not known`,
      );
    if (taken.kind === "union") return this.#option(passed, taken.members, isWhole);
    return this.#structure(passed, taken);
  }

  /** Compares with the options of a union. */
  #option(passed: Known, options: readonly ValueSet[], isWhole: boolean): Verdict {
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

  /** A misfit with all options together: a part of what is passed is in none of them. */
  #beyond(passed: Known, options: readonly ValueSet[]): Verdict | null {
    const sets = options.map((option) => resolved(option));
    const isEndless =
      (passed.kind === "text" && passed.tests.length === 0) || passed.kind === "number";
    if (isEndless && sets.every((set) => set?.kind === "literal"))
      return misfit(passed, unionOf(options), "only these values are taken");
    if (passed.kind !== "object") return null;
    for (const [name, { set }] of passed.properties) {
      const wanted = sets.map((one) =>
        one?.kind === "object" ? one.properties.get(name)?.set : undefined,
      );
      const named = wanted.filter((one) => one !== undefined);
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
    // Zod takes bytes for an object if it requires no property that they lack.
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
      if (item === null || index >= passed.max) break;
      const expected = taken.first[index] ?? taken.rest;
      if (expected === null) break;
      verdicts.push(at(`[${index}]`, this.compare(withoutAbsent(item), expected, false)));
    }
    if (passed.rest !== null && taken.rest !== null && passed.max > count)
      verdicts.push(at("[]", this.compare(withoutAbsent(passed.rest), taken.rest, false)));
    return worst([lengthVerdict(passed, taken), ...verdicts]);
  }

  /** Compares objects property by property. */
  #object(passed: ObjectSet, taken: ObjectSet): Verdict {
    const isWhole = passed.isKeyed;
    const verdicts = [...taken.properties].map(([name, property]) =>
      at(name, this.#property(name, property, passed)),
    );
    for (const [name, property] of passed.properties) {
      if (taken.properties.has(name) || taken.others.type === "ignored") continue;
      if (taken.others.type === "none") {
        verdicts.push(at(name, misfit(property.set, null, "no such property is taken")));
        continue;
      }
      const key = this.compare({ kind: "literal", value: name }, taken.others.keys, false);
      verdicts.push(
        at(
          name,
          worst([key, this.compare(withoutAbsent(property.set), taken.others.values, isWhole)]),
        ),
      );
    }
    if (passed.others.type === "each" && taken.others.type === "none")
      verdicts.push(misfit(passed, taken, "further properties may be passed, and none are taken"));
    if (passed.others.type === "each" && taken.others.type === "each") {
      verdicts.push(at("[key]", this.compare(passed.others.keys, taken.others.keys, false)));
      verdicts.push(at("[key]", this.compare(passed.others.values, taken.others.values, isWhole)));
    }
    return worst(verdicts);
  }

  /** A property that the child names. */
  #property(name: string, wanted: Property, passed: ObjectSet): Verdict {
    const given = passed.properties.get(name);
    if (given !== undefined) {
      const value = this.compare(withoutAbsent(given.set), wanted.set, passed.isKeyed);
      if (given.mayBeAbsent === false) return value;
      return worst([value, absence(given.set, wanted, "it may be left out")]);
    }
    const { others } = passed;
    if (others.type !== "each" || isAccepted(name, others.keys) === false)
      return absence({ kind: "absent" }, wanted, "it is not passed");
    const value = this.compare(others.values, wanted.set, passed.isKeyed);
    return worst([value, absence(others.values, wanted, "nothing says that it is passed")]);
  }
}

/** True if a schema such as `z.any().optional()` takes every value. */
function takesAll(taken: Known): boolean {
  if (taken.kind === "union")
    return taken.members.some((member) => resolved(member)?.kind === "any");
  return taken.kind === "any";
}

type Known = NonNullable<ReturnType<typeof resolved>>;

/** The verdict on a property that is left out. A property of any type needs to be there as well. */
function absence(passed: ValueSet, wanted: Property, why: string): Verdict {
  if (wanted.mayBeAbsent === true) return FITS;
  const isOpen = wanted.mayBeAbsent === "unsure" || resolved(passed)?.kind === "any";
  return isOpen ? unknown(passed, wanted.set, why) : misfit(passed, wanted.set, why);
}

/** Compares lengths. A tuple of another length is another structure. */
function lengthVerdict(passed: ArraySet, taken: ArraySet): Verdict {
  if (passed.min >= taken.min && passed.max <= taken.max) return FITS;
  const isTuple = taken.first.length > 0;
  const isApart = passed.max < taken.min || passed.min > taken.max;
  return isTuple || isApart
    ? misfit(passed, taken, "the numbers of items differ")
    : unknown(passed, taken, "the number of items decides");
}

/** The verdict on two texts or two numbers. */
function leaf(
  passed: ValueSet,
  taken: ValueSet,
  fit: { readonly answer: "fits" | "misfit" | "unknown"; readonly why: string },
): Verdict {
  return fit.answer === "fits"
    ? FITS
    : { answer: fit.answer, path: [], passed, taken, why: fit.why };
}

/** The verdict that weighs most: one place that does not fit is enough. */
function worst(verdicts: readonly Verdict[]): Verdict {
  return (
    verdicts.find(({ answer }) => answer === "misfit") ??
    verdicts.find(({ answer }) => answer === "unknown") ??
    FITS
  );
}

/** Puts a step in front of the path of a verdict. */
function at(step: string, verdict: Verdict): Verdict {
  return verdict.answer === "fits" ? verdict : { ...verdict, path: [step, ...verdict.path] };
}

function misfit(passed: ValueSet, taken: ValueSet | null, why: string): Verdict {
  return { answer: "misfit", path: [], passed, taken, why };
}

function unknown(passed: ValueSet, taken: ValueSet | null, why: string): Verdict {
  return { answer: "unknown", path: [], passed, taken, why };
}

/** The inner map of a key, made at first use. */
function entryOf<T>(map: Map<ValueSet, Map<ValueSet, T>>, key: ValueSet): Map<ValueSet, T> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<ValueSet, T>();
  map.set(key, made);
  return made;
}

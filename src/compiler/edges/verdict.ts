/** The verdict on two sets of values, with the first place that decides. */
import { type ArraySet, type Property, resolved, type ValueSet } from "./value-set.ts";

/** The result of a comparison. */
export type Verdict =
  | { readonly answer: "fits" }
  | ({ readonly answer: "misfit" } & Place)
  | ({ readonly answer: "unknown" } & Place);

/** The first place with a misfit, or with an unknown answer. */
export interface Place {
  /** The path from the payload: property names, and `[]` for items. */
  readonly path: readonly string[];
  /** The parent's values at this place. */
  readonly passed: ValueSet;
  /** The child's values at this place. Null: the child takes no value here. */
  readonly taken: ValueSet | null;
  /** The fault, or the test that decides at run time. */
  readonly why: string;
}

/** A fit has no place: each value of the parent is accepted. */
export const FITS: Verdict = { answer: "fits" };

/** Returns the verdict on an absent property. Zod also requires properties of any type. */
export function absence(passed: ValueSet, wanted: Property, why: string): Verdict {
  if (wanted.mayBeAbsent === true) return FITS;
  const isOpen = wanted.mayBeAbsent === "unsure" || resolved(passed)?.kind === "any";
  return isOpen ? unknown(passed, wanted.set, why) : misfit(passed, wanted.set, why);
}

/** Compares lengths. Tuples of different lengths differ in structure. */
export function lengthVerdict(passed: ArraySet, taken: ArraySet): Verdict {
  if (passed.min >= taken.min && passed.max <= taken.max) return FITS;
  const isTuple = taken.first.length > 0;
  const isApart = passed.max < taken.min || passed.min > taken.max;
  return isTuple || isApart
    ? misfit(passed, taken, "the numbers of items differ")
    : unknown(passed, taken, "the number of items decides");
}

/** Returns the verdict on two texts or two numbers. */
export function leaf(
  passed: ValueSet,
  taken: ValueSet,
  fit: { readonly answer: "fits" | "misfit" | "unknown"; readonly why: string },
): Verdict {
  return fit.answer === "fits"
    ? FITS
    : { answer: fit.answer, path: [], passed, taken, why: fit.why };
}

/** Returns the heaviest verdict: a misfit before an unknown answer, before a fit. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return (
    verdicts.find(({ answer }) => answer === "misfit") ??
    verdicts.find(({ answer }) => answer === "unknown") ??
    FITS
  );
}

/** Prepends a step to the path of a verdict. */
export function at(step: string, verdict: Verdict): Verdict {
  return verdict.answer === "fits" ? verdict : { ...verdict, path: [step, ...verdict.path] };
}

/** A certain misfit at the current place. */
export function misfit(passed: ValueSet, taken: ValueSet | null, why: string): Verdict {
  return { answer: "misfit", path: [], passed, taken, why };
}

/** An unknown answer at the current place, with the test that decides at run time. */
export function unknown(passed: ValueSet, taken: ValueSet | null, why: string): Verdict {
  return { answer: "unknown", path: [], passed, taken, why };
}

/** The numbers of YAML that JSON does not have. They would reach a task as another value. */

/**
 * Advises on a number of YAML that a payload cannot hold exactly, or returns null for any other
 * value. Whole numbers beyond 2^53 are read as BigInt.
 */
export function inexactHint(value: unknown): string | null {
  if (typeof value === "bigint")
    return "whole numbers are exact up to 9007199254740991: write a larger one as a text, in quotes";
  if (typeof value === "number" && !Number.isFinite(value))
    return (
      "JSON has no infinity, which is also what a number beyond 1.8e308 becomes, and no NaN: " +
      "leave it out, or write it as a text, in quotes"
    );
  return null;
}

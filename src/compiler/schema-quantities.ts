/** The building blocks of `schema.ts` for numbers: counts, durations and sizes. */
import type { ErrorCode } from "../codes/codes.ts";
import { DURATION_UNITS, parseDuration, parseSize, SIZE_UNITS } from "../domain/duration.ts";
import { nearQuantity } from "./near-values.ts";
import { single } from "./schema-parts.ts";

/** A schema for a whole number from `min` to `max`, both included. */
export function count(min: number, max: number) {
  return single({ type: "integer", minimum: min, maximum: max }, (given, refuse) =>
    typeof given === "number" && Number.isInteger(given) && given >= min && given <= max
      ? given
      : refuse(`a whole number from ${min} to ${max}`, { code: codeOfNumber(given) }),
  );
}

/** A schema for a number of YAML, whole or not, within these limits. */
export function numeral(what: string, min = -Number.MAX_VALUE, max = Number.MAX_VALUE) {
  const bounds = {
    ...(min > -Number.MAX_VALUE && { minimum: min }),
    ...(max < Number.MAX_VALUE && { maximum: max }),
  };
  return single({ type: "number", ...bounds }, (given, refuse) =>
    typeof given === "number" && given >= min && given <= max
      ? given
      : refuse(what, { code: codeOfNumber(given) }),
  );
}

/** The code of a refused value: a number out of its limits, or no number. */
function codeOfNumber(given: unknown): ErrorCode {
  return typeof given === "number" || typeof given === "bigint" ? "PEACH105" : "PEACH103";
}

/** The limits of a quantity as text, both included. `above` is the hint for a larger value. */
export interface Limits {
  readonly min: string;
  readonly max: string;
  readonly above?: string;
}

/** A schema for a duration within these limits. The result is in milliseconds. */
export function duration(limits: Limits) {
  const examples = "such as 250ms, 30s, 5m, 2h or 7d";
  const notation = { examples, units: DURATION_UNITS, parse: parseDuration, assumed: "s" };
  return quantity("duration", notation, limits);
}

/** A schema for a size within these limits. The result is in bytes. */
export function size(limits: Limits) {
  const examples = "such as 0B, 64KB or 10MB";
  const notation = { examples, units: SIZE_UNITS, parse: parseSize, assumed: "B" };
  return quantity("size", notation, limits);
}

/** The notation of a quantity. */
interface Notation {
  /** Examples for messages, beginning with "such as". */
  readonly examples: string;
  /** The units, such as `ms` and `s`. */
  readonly units: readonly string[];
  /** The unit that a number without one is guessed to have. */
  readonly assumed: string;
  /** Converts the text to a number in the base unit; null for another notation. */
  readonly parse: (text: string) => number | null;
}

/** A schema for a number with a unit. Throws at start-up if the limits themselves do not parse. */
function quantity(what: string, { examples, units, parse, assumed }: Notation, limits: Limits) {
  const min = parse(limits.min);
  const max = parse(limits.max);
  if (min === null || max === null)
    throw new RangeError(`no ${what}: ${limits.min} or ${limits.max}`);
  const pattern = `^[0-9]{1,15}(${units.join("|")})$`;
  return single({ type: "string", pattern }, (given, refuse) => {
    const value = typeof given === "string" ? parse(given) : null;
    if (value === null) {
      const meant = nearQuantity(given, assumed);
      const isMeant = meant !== null && parse(meant) !== null;
      const hint = isMeant ? `did you mean ${meant}?` : null;
      return refuse(`a ${what} ${examples}`, { code: "PEACH104", hint });
    }
    if (value < min) return refuse(`a ${what} of at least ${limits.min}`, { code: "PEACH105" });
    if (value <= max) return value;
    return refuse(`a ${what} of at most ${limits.max}`, { code: "PEACH105", hint: limits.above });
  });
}

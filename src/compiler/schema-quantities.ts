/** The building blocks of `schema.ts` for numbers: counts, durations and sizes. */
import * as z from "zod";
import { DURATION_UNITS, parseDuration, parseSize, SIZE_UNITS } from "../domain/duration.ts";
import { described, type JsonSchema } from "./json-schema.ts";
import { nearQuantity } from "./near-values.ts";

/** A schema for a whole number from `min` to `max`, both included. */
export function count(min: number, max: number) {
  const wanted: JsonSchema = { type: "integer", minimum: min, maximum: max };
  return described(z.unknown(), () => wanted).transform((given, context): number => {
    if (typeof given === "number" && Number.isInteger(given) && given >= min && given <= max)
      return given;
    context.addIssue({
      code: "custom",
      message: `a whole number from ${min} to ${max}`,
      params: { code: typeof given === "number" ? "PEACH105" : "PEACH103" },
      input: given,
    });
    return z.NEVER;
  });
}

/** A schema for a number of YAML, whole or not, within these limits. */
export function numeral(what: string, min = -Number.MAX_VALUE, max = Number.MAX_VALUE) {
  const bounds = {
    ...(min > -Number.MAX_VALUE && { minimum: min }),
    ...(max < Number.MAX_VALUE && { maximum: max }),
  };
  const wanted: JsonSchema = { type: "number", ...bounds };
  return described(z.unknown(), () => wanted).transform((given, context): number => {
    if (typeof given === "number" && given >= min && given <= max) return given;
    const code = typeof given === "number" ? "PEACH105" : "PEACH103";
    context.addIssue({ code: "custom", message: what, params: { code }, input: given });
    return z.NEVER;
  });
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
  const accepted = described(z.unknown(), () => ({ type: "string", pattern }));
  return accepted.transform((given, context): number => {
    const value = typeof given === "string" ? parse(given) : null;
    if (value === null) {
      const meant = nearQuantity(given, assumed);
      const isMeant = meant !== null && parse(meant) !== null;
      context.addIssue({
        code: "custom",
        message: `a ${what} ${examples}`,
        params: { code: "PEACH104", hint: isMeant ? `did you mean ${meant}?` : null },
        input: given,
      });
      return z.NEVER;
    }
    if (value >= min && value <= max) return value;
    const message =
      value < min ? `a ${what} of at least ${limits.min}` : `a ${what} of at most ${limits.max}`;
    context.addIssue({
      code: "custom",
      message,
      params: { code: "PEACH105", hint: value > max ? limits.above : null },
      input: given,
    });
    return z.NEVER;
  });
}

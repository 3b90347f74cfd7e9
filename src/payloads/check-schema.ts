/**
 * Checks values against the schemas of a task that is declared with `task({input, output, run})`.
 */
import { ProblemError } from "../domain/problem.ts";
import { checkAny } from "./check-any.ts";
import type { ValueOrigin } from "./checked.ts";
import type { StandardSchema } from "../domain/standard-schema.ts";
import { wrongPlaces } from "./misfit.ts";

/**
 * Parses `value` with the schema and returns the parsed value, defaults filled in. Without a
 * schema, returns `value` itself. Throws a `ProblemError` (`invalid_payload`) with the first wrong
 * paths. A stream is passed to the schema as a stream and is not read. `what` names the value in
 * the error.
 */
export async function fit(
  schema: StandardSchema | null,
  value: unknown,
  what: string,
  origin: ValueOrigin,
): Promise<unknown> {
  if (schema === null) return value;
  const checked = await checkAny(schema, value, origin);
  if (checked.ok) return checked.value;
  const { issues } = checked;
  const errors = wrongPlaces(issues);
  const [first] = errors;
  const more =
    issues.length > errors.length ? `more than ${errors.length - 1}` : `${errors.length - 1}`;
  throw new ProblemError({
    code: "invalid_payload",
    detail: `${what} does not fit its schema: ${first?.path ?? "$"}: ${first?.message ?? "invalid"}${issues.length > 1 ? ` (and ${more} more)` : ""}.`,
    hint: "Correct the value, or the task's schema.",
    errors,
  });
}

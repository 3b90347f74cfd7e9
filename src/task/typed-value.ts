/** Holds values against the schemas of a task declared with `task({input, output, run})`. */
import type { ZodType } from "zod";
import { ProblemError } from "../core/result.ts";
import { jsonPath } from "../payload/json-path.ts";

/**
 * The value as the schema reads it (defaults filled in), or throws a `ProblemError` (invalid_payload) with every wrong path.
 * No schema, or a stream: the value itself. `what` names the value in the error.
 */
export async function fit(schema: ZodType | null, value: unknown, what: string): Promise<unknown> {
  if (schema === null || value instanceof ReadableStream) return value;
  const parsed = await schema.safeParseAsync(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({
    path: jsonPath(issue.path.map((part) => (typeof part === "number" ? part : String(part)))),
    message: issue.message,
  }));
  const [first] = errors;
  throw new ProblemError({
    code: "invalid_payload",
    detail: `${what} does not fit its schema: ${first?.path ?? "$"}: ${first?.message ?? "invalid"}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ""}.`,
    hint: "Correct the value, or the task's schema.",
    errors,
  });
}

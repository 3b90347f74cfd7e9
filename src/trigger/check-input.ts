/** Holds a trigger's payload against the `input` of a task that was declared with types, before anything is accepted. */
import { z } from "zod";
import { refuse, type Problem } from "../core/result.ts";
import { decodePayload, type EncodedPayload } from "../payload/codec.ts";
import { type JsonStep, jsonPath } from "../payload/json-path.ts";
import type { MethodRegistry } from "../task/method.ts";

/**
 * Of a task with `each`, `input` is what one item must be. Null, or the refusal `invalid_payload` with every path that is wrong. The schema sees the value that the task would read; a
 * stream is not looked into. Defaults and transforms of the schema change nothing here: the payload stays as it came.
 */
export async function checkInput(
  registry: MethodRegistry,
  task: { readonly name: string; readonly method: string; readonly each?: unknown },
  payload: EncodedPayload,
): Promise<{ readonly ok: false; readonly problem: Problem } | null> {
  const method = registry.tasks[task.method];
  if (typeof method !== "object" || method.input === null) return null;
  if (payload.body instanceof ReadableStream) return null;
  const value = decodePayload({ ...payload, size: payload.body.byteLength }, payload.body);
  const schema = (task.each ?? null) === null ? method.input : z.array(method.input);
  const parsed = await schema.safeParseAsync(value);
  if (parsed.success) return null;
  return refuse({
    code: "invalid_payload",
    detail: `The payload does not fit the input of task "${task.name}".`,
    hint: "Correct the places in `errors`; the task's `input` schema says what each must be.",
    errors: parsed.error.issues.map((issue) => ({ path: jsonPath(issue.path.map(toStep)), message: issue.message })),
  });
}

function toStep(part: PropertyKey): JsonStep {
  return typeof part === "number" ? part : String(part);
}

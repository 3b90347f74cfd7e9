/**
 * Checks a trigger's payload against the `input` schema of its task before acceptance. A schema
 * needs the value, so the body of a typed task is held in memory, up to the size that the task
 * could open as a value.
 */
import type { ZodType } from "zod";
import * as z from "zod";
import { ok, ProblemError, refuse, type Problem, type Result } from "../domain/problem.ts";
import { ByteSource } from "../payloads/byte-source.ts";
import { type EncodedPayload, type HeldPayload, valueOf } from "../payloads/codec.ts";
import { check } from "../payloads/checked.ts";
import { MAX_WRONG_PLACES, wrongPlaces } from "../payloads/misfit.ts";
import { MAX_VALUE_BYTES } from "../payloads/value-limit.ts";

/** The deployed task methods: a function, or a declaration with schemas. */
export interface InputSchemas {
  readonly tasks: Readonly<
    Record<string, ((payload: never, task: never) => unknown) | { readonly input: ZodType | null }>
  >;
}

/** Runs the code of schemas, which is an author's, with the imported `env` narrowed. */
export type AsAuthor = <T>(env: Env, work: () => T) => T;

/** The checked properties of a task. With `each`, its `input` describes one item. */
export interface CheckedTask {
  readonly name: string;
  readonly method: string;
  readonly each?: unknown;
}

/** Returns the schema of the task's input (with `each`: of one item), or null without a schema. */
export function inputOf(registry: InputSchemas, { method: key }: CheckedTask): ZodType | null {
  const method = Object.hasOwn(registry.tasks, key) ? registry.tasks[key] : undefined;
  return typeof method === "object" ? method.input : null;
}

/**
 * Checks the payload and returns it, with its bytes in memory if they were read. Refuses with
 * `invalid_payload` and the first wrong paths, with `payload_too_large`, and with the fault found
 * in its stream. Defaults and transforms of the schema have no effect here: the payload stays as
 * sent.
 */
export async function checkInput(
  registry: InputSchemas,
  task: CheckedTask,
  payload: EncodedPayload,
): Promise<Result<EncodedPayload>> {
  const schema = inputOf(registry, task);
  if (schema === null) return ok(payload);
  // A task reads a stream as a stream, of any size: without reading, only its type can be checked.
  if (payload.kind === "stream") return fits(task, schema, new Blob([]).stream(), payload);
  const held = await hold(task, payload);
  if (!held.ok) return held;
  return fits(task, schema, valueOf(held.value), held.value);
}

/** Returns `payload` if the value fits the schema; refuses otherwise. */
export async function fits<T>(
  task: CheckedTask,
  schema: ZodType,
  value: unknown,
  payload: T,
): Promise<Result<T>> {
  const issues =
    (task.each ?? null) === null
      ? await issuesOf(schema, value)
      : await issuesOfItems(schema, value);
  return issues.length === 0 ? ok(payload) : refuse(misfit(task, issues));
}

type Issues = readonly z.core.$ZodIssue[];

/** Lists the faults of a value; an empty list means that it fits. */
async function issuesOf(schema: ZodType, value: unknown): Promise<Issues> {
  const checked = await check(schema, value);
  return checked.ok ? [] : checked.issues;
}

/**
 * Checks item by item and stops after the reported number of issues: in a long list of wrong items,
 * each item is an issue.
 */
async function issuesOfItems(schema: ZodType, value: unknown): Promise<Issues> {
  const list = z.array(z.unknown()).safeParse(value);
  if (!list.success) return list.error.issues;
  const found: z.core.$ZodIssue[] = [];
  for (const [index, item] of list.data.entries()) {
    const issues = await issuesOf(schema, item);
    found.push(...issues.map((issue) => ({ ...issue, path: [index, ...issue.path] })));
    if (found.length > MAX_WRONG_PLACES) break;
  }
  return found;
}

/**
 * Reads the payload into memory, where it can be parsed. Refuses a payload above the limit as early
 * as possible: by its announced size, or after one byte too many.
 */
async function hold({ name }: CheckedTask, payload: EncodedPayload): Promise<Result<HeldPayload>> {
  const { body, size } = payload;
  if (body instanceof Uint8Array)
    return body.length <= MAX_VALUE_BYTES
      ? ok({ ...payload, size: body.length, body })
      : refuse(tooLarge(name));
  const source = new ByteSource(body);
  if (size !== null && size > MAX_VALUE_BYTES) {
    source.cancel(tooLarge(name));
    return refuse(tooLarge(name));
  }
  try {
    const bytes = await source.nextBlock(MAX_VALUE_BYTES + 1, size);
    if (bytes.length <= MAX_VALUE_BYTES) return ok({ ...payload, size: bytes.length, body: bytes });
    source.cancel(tooLarge(name));
    return refuse(tooLarge(name));
  } catch (error) {
    if (error instanceof ProblemError) return refuse(error.problem);
    throw error;
  }
}

/** The problem of a payload that does not fit, with its first wrong places. */
function misfit({ name }: CheckedTask, issues: Issues): Problem {
  const errors = wrongPlaces(issues);
  const more =
    issues.length === errors.length
      ? ""
      : ` More than ${errors.length} places are wrong; the first are named.`;
  return {
    code: "invalid_payload",
    detail: `The payload does not fit the input of task "${name}".${more}`,
    hint: "Correct the places in `errors`; the task's `input` schema says what each must be.",
    errors,
  };
}

function tooLarge(name: string): Problem {
  return {
    code: "payload_too_large",
    detail: `The payload has more than ${MAX_VALUE_BYTES} bytes, the most that can be held against the input of task "${name}".`,
    hint: "Put the data into a bucket and send its key, or declare the task without `input` and have it read a stream.",
  };
}

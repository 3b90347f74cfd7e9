/**
 * Checks a trigger's payload against the `input` schema of its task before acceptance. A schema
 * needs the value, so the body of a typed task is held in memory, up to the size that the task
 * could open as a value. The items of a larger array for `each` are checked one after another,
 * while the array is read for its store.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import * as z from "zod";
import { ok, ProblemError, refuse, type Problem, type Result } from "../domain/problem.ts";
import { ArrayItems } from "../payloads/array-items.ts";
import { ByteSource } from "../payloads/byte-source.ts";
import { type EncodedPayload, type HeldPayload, valueOf } from "../payloads/codec.ts";
import { checkAny } from "../payloads/check-any.ts";
import { type Issue, MAX_WRONG_PLACES, wrongPlaces } from "../payloads/misfit.ts";
import type { StandardSchema } from "../domain/standard-schema.ts";
import { MAX_VALUE_BYTES } from "../payloads/value-limit.ts";

/** The deployed task methods: a function, or a declaration with schemas. */
export interface InputSchemas {
  readonly tasks: Readonly<
    Record<
      string,
      ((payload: never, task: never) => unknown) | { readonly input: StandardSchema | null }
    >
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
export function inputOf(
  registry: InputSchemas,
  { method: key }: CheckedTask,
): StandardSchema | null {
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
  if (isLargeArray(task, payload)) return itemsFit(task, schema, payload);
  const held = await hold(task, payload);
  if (!held.ok) return held;
  return fits(task, schema, valueOf(held.value), held.value);
}

/**
 * Tests if a payload is JSON for the items of a task, and too large for a value as a whole. A task
 * reads its items one by one.
 */
function isLargeArray(task: CheckedTask, { kind, body, size }: EncodedPayload): boolean {
  const bytes = body instanceof Uint8Array ? body.length : (size ?? 0);
  return (task.each ?? null) !== null && kind === "json" && bytes > MAX_VALUE_BYTES;
}

/**
 * Checks the items of an array one after another. Bytes in memory are checked at once. A stream is
 * returned as a stream that ends with a `ProblemError` at a misfit, so its store is given up.
 */
async function itemsFit(
  task: CheckedTask,
  schema: StandardSchema,
  payload: EncodedPayload,
): Promise<Result<EncodedPayload>> {
  const { body, ...description } = payload;
  const check = new ItemCheck(task, schema);
  if (body instanceof ReadableStream) {
    const stream = body.pipeThrough(check.whileRead());
    return ok({ ...description, size: payload.size, body: stream });
  }
  const problem = await check.problemOf(blocksOf(body));
  return problem === null ? ok(payload) : refuse(problem);
}

/** Checks the items of an array that is too large for a value. Null if they fit. */
export async function misfitOfItems(
  task: CheckedTask,
  schema: StandardSchema,
  chunks: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<Problem | null> {
  const all = chunks instanceof Uint8Array ? blocksOf(chunks) : chunks;
  return new ItemCheck(task, schema).problemOf(all);
}

/** Cuts bytes into blocks, each of which is let go before the next. */
async function* blocksOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) yield bytes.subarray(at, at + BLOCK_BYTES);
}

/** Size of a block. Bytes. */
const BLOCK_BYTES = 256 * 1024;

/**
 * The check of the items of one array, chunk by chunk. In memory are the bytes and the value of one
 * item, and the first issues. An item that is too large for a value is refused as such.
 */
class ItemCheck {
  readonly #task: CheckedTask;
  readonly #schema: StandardSchema;
  readonly #items = new ArrayItems();
  /** The issues so far, with their path from the array. */
  readonly #found: Issue[] = [];
  /** The place of the next item. */
  #index = 0;

  constructor(task: CheckedTask, schema: StandardSchema) {
    this.#task = task;
    this.#schema = schema;
  }

  /** Reads the chunks as far as needed. Null if every item fits. */
  async problemOf(chunks: AsyncIterable<Uint8Array>): Promise<Problem | null> {
    try {
      for await (const chunk of chunks) {
        await this.#look(this.#items.push(chunk));
        if (this.#found.length > MAX_WRONG_PLACES) break;
      }
      await this.#look(this.#found.length > MAX_WRONG_PLACES ? [] : this.#items.end());
    } catch (error) {
      if (error instanceof ProblemError) return error.problem;
      throw error;
    }
    return this.#found.length === 0 ? null : misfit(this.#task, this.#found);
  }

  /** Passes the chunks on, and throws at the end, or as soon as enough is wrong. */
  whileRead(): TransformStream<Uint8Array, Uint8Array> {
    // The chunks are read after this call, and schemas are code of the author.
    const asNow = AsyncLocalStorage.snapshot();
    return new TransformStream({
      transform: async (chunk, controller) => {
        await asNow(() => this.#look(this.#items.push(chunk)));
        if (this.#found.length > MAX_WRONG_PLACES) this.#throw();
        controller.enqueue(chunk);
      },
      flush: async () => {
        await asNow(() => this.#look(this.#items.end()));
        if (this.#found.length > 0) this.#throw();
      },
    });
  }

  /** Ends the stream. The store of the payload rethrows the error, and the trigger is refused. */
  #throw(): never {
    throw new ProblemError(misfit(this.#task, this.#found));
  }

  /** Checks the next items. Stops after the reported number of issues. */
  async #look(items: readonly unknown[]): Promise<void> {
    for (const item of items) {
      if (this.#found.length > MAX_WRONG_PLACES) return;
      const issues = await issuesOf(this.#schema, item);
      this.#found.push(
        ...issues.map((issue) => ({ ...issue, path: [this.#index, ...issue.path] })),
      );
      this.#index += 1;
    }
  }
}

/** Returns `payload` if the value fits the schema; refuses otherwise. */
export async function fits<T>(
  task: CheckedTask,
  schema: StandardSchema,
  value: unknown,
  payload: T,
): Promise<Result<T>> {
  const issues =
    (task.each ?? null) === null
      ? await issuesOf(schema, value)
      : await issuesOfItems(schema, value);
  return issues.length === 0 ? ok(payload) : refuse(misfit(task, issues));
}

type Issues = readonly Issue[];

/**
 * Lists the faults of a value, for a schema of any library. An empty list means that the value
 * fits.
 */
async function issuesOf(schema: StandardSchema, value: unknown): Promise<Issues> {
  const checked = await checkAny(schema, value, "decoded");
  return checked.ok ? [] : checked.issues;
}

/**
 * Checks item by item and stops after the reported number of issues: in a long list of wrong items,
 * each item is an issue.
 */
async function issuesOfItems(schema: StandardSchema, value: unknown): Promise<Issues> {
  const list = z.array(z.unknown()).safeParse(value);
  if (!list.success) return list.error.issues;
  const found: Issue[] = [];
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
  // A task or an endpoint that triggers, and its log, get no more than the text.
  const [{ path, message } = { path: "$", message: "invalid" }, ...others] = errors;
  const also = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return {
    code: "invalid_payload",
    detail: `The payload does not fit the input of task "${name}": ${path}: ${message}${also}.${more}`,
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

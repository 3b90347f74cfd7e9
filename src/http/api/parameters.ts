/**
 * Schemas of path, query and header parameters that several calls have.
 *
 * The `error` of a schema completes the sentence "The query `limit` must be …".
 */
import * as z from "zod";
import { MAX_TAG_LENGTH, MAX_TAGS, TAG } from "../../domain/tags.ts";

/**
 * Path of a run. Any text is accepted: a malformed id is answered like an unknown one, with 404.
 */
export const runParams = z.object({ id: z.string().describe("The run's id") });
export const taskParams = z.object({ task: z.string().describe("The task's name") });
export const runTaskParams = z.object({ ...runParams.shape, ...taskParams.shape });

/** Page size, from 1 to `most`; `normally` is the default. */
export function limitOf(most: number, normally: number): z.ZodDefault<z.ZodInt> {
  const error = `a whole number from 1 to ${most}`;
  return z.int({ error }).min(1, { error }).max(most, { error }).default(normally);
}

/** Cursor of a list; its format belongs to the list. */
export const cursor = z
  .string()
  .max(1_000, { error: "the next_cursor of an answer" })
  .describe("The `next_cursor` of the page before");
/** Cursor of lists whose places are numbers. */
export const numberedCursor = z
  .int({ error: "the next_cursor of an answer" })
  .min(0, { error: "the next_cursor of an answer" })
  .describe("The `next_cursor` of the page before");

/** Index of an item, from 0 in the order of the array. */
export const itemIndex = z
  .int({ error: "a whole number from 0" })
  .min(0, { error: "a whole number from 0" })
  .describe("The item's place in the array, from 0");

/** Comma-separated words, parsed to a list. */
export function listOf<const Word extends string>(
  words: readonly Word[],
): z.ZodType<Word[], string> {
  const error = `one or several of ${words.join(", ")}, separated by commas`;
  const either = words.join("|");
  return z
    .string()
    .regex(new RegExp(`^(${either})(,(${either}))*$`), { error })
    .transform((text) =>
      text.split(",").flatMap((name) => words.find((word) => word === name) ?? []),
    );
}

/** Tags of runs; the parameter may be repeated. */
export function tagsOf(description: string): z.ZodArray<z.ZodString> {
  const error = `1 to ${MAX_TAGS} tags of 1 to ${MAX_TAG_LENGTH} characters each`;
  return z
    .array(z.string().regex(TAG, { error }))
    .min(1, { error })
    .max(MAX_TAGS, { error })
    .describe(description);
}

/** A time in ISO 8601, parsed to epoch milliseconds. */
export const timeParameter = z.iso
  .datetime({ offset: true, error: "a time in ISO 8601, such as 2026-11-22T20:00:00Z" })
  .transform((text) => Date.parse(text));

/** Idempotency key: printable ASCII, equal in each attempt of the same trigger. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, { error: "1 to 255 printable ASCII characters" })
  .describe("The same for each attempt at the same trigger: it is then started once");

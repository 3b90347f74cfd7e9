/**
 * Schemas of path, query and header parameters that several calls have.
 *
 * The `error` of a schema completes the sentence "The query `limit` must be …".
 */
import { z } from "zod";

/** In a path: what is no id at all is answered like one that is not known. */
export const runParams = z.object({ id: z.string().describe("The run's id") });
export const taskParams = z.object({ task: z.string().describe("The task's name") });
export const runTaskParams = z.object({ ...runParams.shape, ...taskParams.shape });

/** How many entries of a list. */
export function limitOf(most: number, normally: number): z.ZodDefault<z.ZodInt> {
  const error = `a whole number from 1 to ${most}`;
  return z.int({ error }).min(1, { error }).max(most, { error }).default(normally);
}

export const cursor = z
  .string()
  .max(1_000, { error: "the next_cursor of an answer" })
  .describe("The `next_cursor` of the page before");
/** Of lists that go by a number. */
export const numberedCursor = z
  .int({ error: "the next_cursor of an answer" })
  .min(0, { error: "the next_cursor of an answer" })
  .describe("The `next_cursor` of the page before");

/** From 0, in the order of the array. */
export const itemIndex = z
  .int({ error: "a whole number from 0" })
  .min(0, { error: "a whole number from 0" })
  .describe("The item's place in the array, from 0");

/** One or several of these words, comma separated; a list when read. */
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

/** A time in a query; epoch milliseconds when read. */
export const timeParameter = z.iso
  .datetime({ offset: true, error: "a time in ISO 8601, such as 2026-11-22T20:00:00Z" })
  .transform((text) => Date.parse(text));

/** Presentable in a header, and the same for each attempt at the same trigger. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, { error: "1 to 255 printable ASCII characters" })
  .describe("The same for each attempt at the same trigger: it is then started once");

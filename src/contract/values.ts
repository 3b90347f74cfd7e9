/** Values that several documents share. */
import * as z from "zod";
import { parseDuration } from "../domain/duration.ts";
import { type Json, named } from "./named.ts";

/** A time in JSON. */
export const time = z.iso.datetime().describe("ISO 8601, UTC");

/** Id of a run. */
export const runId = z.string().regex(/^run_/).describe("`run_` and 26 characters");

/** Name of a task. */
export const taskName = z.string().describe("As peach.conf names the task");

/** Any JSON value. */
export const anyJson = z.unknown();

/** Cursor of a list; null on its last page. */
export const nextCursor = z
  .string()
  .nullable()
  .describe("Where the next page begins; null at the end");

/** A duration as text, such as `30s`; parsed to milliseconds. Refuses more than `most`. */
export function durationUpTo(most: string): z.ZodType<number, string> {
  const mostMs = parseDuration(most) ?? Number.POSITIVE_INFINITY;
  const error = `a duration of at most ${most}, such as 30s or 2h`;
  return z
    .string()
    .regex(/^\d{1,15}(ms|s|m|h|d)$/, { error })
    .transform((text) => parseDuration(text) ?? Number.POSITIVE_INFINITY)
    .refine((milliseconds) => milliseconds <= mostMs, { error });
}

/** Refers to a run. */
export const runReferenceSchema = named(
  "RunReference",
  z.object({ run_id: runId, task: taskName }),
);

/** A run and its root task. */
export type RunReference = Json<typeof runReferenceSchema>;

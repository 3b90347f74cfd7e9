/** Dead letters: queue messages that could not be processed. */
import * as z from "zod";
import { DEAD_LETTER_REASONS } from "../domain/dead-letter.ts";
import { type Json, named } from "./named.ts";
import { anyJson, nextCursor, runReferenceSchema, time } from "./values.ts";

/** A page of dead letters. */
export const deadLettersSchema = named(
  "DeadLetters",
  z.object({
    dead_letters: z.array(
      z.object({
        id: z.string(),
        queue: z.string(),
        reason: z.enum(DEAD_LETTER_REASONS),
        detail: z.string().describe("The reason in words"),
        body: anyJson.describe("What the message carried"),
        received_at: time,
        attempts: z.int().describe("Deliveries, and redrives that failed"),
        expires_at: time,
      }),
    ),
    next_cursor: nextCursor,
  }),
);

/** Answer of a redrive. */
export const redrivenDeadLetterSchema = named(
  "RedrivenDeadLetter",
  z.object({ id: z.string(), redriven: z.literal(true), runs: z.array(runReferenceSchema) }),
);

/** A page of dead letters, newest first. */
export type DeadLetterPage = Json<typeof deadLettersSchema>;

/** A queue message that could not be processed. */
export type DeadLetter = DeadLetterPage["dead_letters"][number];

/** A dead letter that a redrive processed. */
export type Redriven = Json<typeof redrivenDeadLetterSchema>;

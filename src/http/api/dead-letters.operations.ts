/** The calls about dead letters. */
import { z } from "zod";
import { DEAD_LETTER_REASONS } from "../../domain/dead-letter.ts";
import {
  anyJson,
  limitOf,
  named,
  nextCursor,
  numberedCursor,
  runReference,
  time,
} from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Dead letters";
const letterParams = z.object({ id: z.string().describe("The id of the dead letter") });

export const listDeadLetters = {
  id: "listDeadLetters",
  method: "GET",
  path: "/dead-letters",
  right: "read",
  group: GROUP,
  summary: "Queue messages that could not be processed, newest first",
  query: z.strictObject({ limit: limitOf(200, 50), cursor: numberedCursor.optional() }),
  answers: {
    200: {
      description: "A page of dead letters",
      document: named(
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
      ),
    },
  },
  problems: [],
} satisfies Operation;

export const redriveDeadLetter = {
  id: "redriveDeadLetter",
  method: "POST",
  path: "/dead-letters/{id}/redrive",
  right: "operate",
  group: GROUP,
  summary: "Tries once more to process it; it is a dead letter no longer if that succeeds",
  params: letterParams,
  answers: {
    202: {
      description: "It was processed; the runs that it started or found",
      document: named(
        "RedrivenDeadLetter",
        z.object({ id: z.string(), redriven: z.literal(true), runs: z.array(runReference) }),
      ),
    },
  },
  problems: ["unknown_dead_letter", "redrive_failed"],
} satisfies Operation;

export const deleteDeadLetter = {
  id: "deleteDeadLetter",
  method: "DELETE",
  path: "/dead-letters/{id}",
  right: "operate",
  group: GROUP,
  summary: "Deletes it",
  params: letterParams,
  answers: { 204: { description: "It is deleted" } },
  problems: ["unknown_dead_letter"],
} satisfies Operation;

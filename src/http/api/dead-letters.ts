/** `/dead-letters`: lists, redrives and deletes queue messages that could not be processed. */
import type { Context } from "hono";
import * as z from "zod";
import { iso } from "../../contract/iso-time.ts";
import { deadLettersSchema, redrivenDeadLetterSchema } from "../../contract/dead-letters.ts";
import type { DeadLetter } from "../../domain/dead-letter.ts";
import { type DeadLetterId, parseDeadLetterId } from "../../domain/ids.ts";
import type { Problem } from "../../domain/problem.ts";
import { callDeadLetters } from "../../objects/dead-letters/dead-letters-client.ts";
import { type RedriveDependencies, redrive } from "../../triggers/redrive.ts";
import type { HttpEnv } from "../http-env.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { type DocumentOf, operation, answer } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { limitOf, numberedCursor } from "./parameters.ts";

const GROUP = "Dead letters";

const letterParams = z.object({ id: z.string().describe("The id of the dead letter") });

/** `GET /dead-letters`: a page of dead letters, newest first. */
export const listDeadLetters = operation("GET /dead-letters", {
  id: "listDeadLetters",
  right: "read",
  group: GROUP,
  summary: "Queue messages that could not be processed, newest first",
  query: z.strictObject({ limit: limitOf(200, 50), cursor: numberedCursor.optional() }),
  answers: {
    200: answer("A page of dead letters", deadLettersSchema),
  },
});

/** `POST /dead-letters/{id}/redrive`: processes the message once more. */
export const redriveDeadLetter = operation("POST /dead-letters/{id}/redrive", {
  id: "redriveDeadLetter",
  right: "operate",
  group: GROUP,
  summary: "Tries once more to process it; it is a dead letter no longer if that succeeds",
  params: letterParams,
  answers: {
    202: answer("It was processed; the runs that it started or found", redrivenDeadLetterSchema),
  },
  problems: ["unknown_dead_letter", "redrive_failed"],
});

/** `DELETE /dead-letters/{id}`: deletes the letter for good. */
export const deleteDeadLetter = operation("DELETE /dead-letters/{id}", {
  id: "deleteDeadLetter",
  right: "operate",
  group: GROUP,
  summary: "Deletes it",
  params: letterParams,
  answers: { 204: { description: "It is deleted" } },
  problems: ["unknown_dead_letter"],
});

/** Adds the routes below /api/v1. */
export function deadLetterRoutes(routes: Routes, dependencies: RedriveDependencies): void {
  handle(routes, listDeadLetters, async (c, { query: { limit, cursor = null }, reply }) => {
    const { letters, next } = await callDeadLetters(c.env, (kept) => kept.list(limit, cursor));
    return reply(200, {
      dead_letters: letters.map(documentOf),
      next_cursor: next === null ? null : String(next),
    });
  });
  handle(routes, redriveDeadLetter, (c, { params, reply }) =>
    withLetterId(c, params, async (id) => {
      const letter = await callDeadLetters(c.env, (kept) => kept.read(id));
      if (letter === null) return problemResponse(c, unknownDeadLetter(id));
      const redriven = await redrive(dependencies, c.env, c.executionCtx, letter);
      switch (redriven.type) {
        case "redriven":
          return reply(202, {
            id,
            redriven: true,
            runs: redriven.runs.map(({ runId, task }) => ({ run_id: runId, task })),
          });
        case "failed":
          return problemResponse(c, redriveFailed(id, redriven.detail));
        case "overloaded":
          return problemResponse(c, OVERLOADED);
      }
    }),
  );
  handle(routes, deleteDeadLetter, (c, { params }) =>
    withLetterId(c, params, async (id) => {
      const was = await callDeadLetters(c.env, (kept) => kept.remove(id));
      return was ? c.body(null, 204) : problemResponse(c, unknownDeadLetter(id));
    }),
  );
}

/** Parses the id, or answers 404. */
async function withLetterId(
  c: Context<HttpEnv>,
  { id }: { readonly id: string },
  answer: (id: DeadLetterId) => Promise<Response>,
): Promise<Response> {
  const letterId = parseDeadLetterId(id);
  return letterId === null ? problemResponse(c, unknownDeadLetter(id)) : answer(letterId);
}

function documentOf(
  letter: DeadLetter,
): DocumentOf<typeof listDeadLetters, 200>["dead_letters"][number] {
  const { id, queue, reason, detail, body, receivedAt, attempts, expiresAt } = letter;
  return {
    id,
    queue,
    reason,
    detail,
    body: JSON.parse(body),
    received_at: iso(receivedAt),
    attempts,
    expires_at: iso(expiresAt),
  };
}

function unknownDeadLetter(id: string): Problem {
  return {
    code: "unknown_dead_letter",
    detail: `There is no dead letter "${id}".`,
    hint: "It was redriven, deleted or has expired; GET /api/v1/dead-letters lists those that are there.",
  };
}

function redriveFailed(id: string, detail: string): Problem {
  return {
    code: "redrive_failed",
    detail: `The dead letter ${id} could not be processed this time either: ${detail}`,
    hint: "It is kept with this reason. Remove the cause and redrive it again, or delete it.",
  };
}

const OVERLOADED: Problem = {
  code: "overloaded",
  detail: "Not all that the letter triggers could be recorded now; the letter is kept.",
  hint: "Redrive it again in a moment: what was started is not started twice.",
};

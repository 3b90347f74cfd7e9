/** The call about who did what. */
import { z } from "zod";
import { limitOf, named, nextCursor, numberedCursor, time, timeParameter } from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

export const listAudit = {
  id: "listAudit",
  method: "GET",
  path: "/audit",
  right: "read",
  group: "Access",
  summary:
    "Who did what, newest first: changes, refused ones included, triggers, log-ins, completions by URL; kept for a year",
  query: z.strictObject({
    who: z.string().max(500).optional().describe("Only of this one, as `who` of an entry says"),
    what: z.string().max(100).optional().describe("Only such, as `what` of an entry says"),
    since: timeParameter.optional().describe("Only what was last done since this time, ISO 8601"),
    limit: limitOf(500, 50),
    cursor: numberedCursor.optional(),
  }),
  answers: {
    200: {
      description:
        "A page of entries; it may have fewer than `limit`, or none, and a `next_cursor` all the same",
      document: named(
        "Audit",
        z.object({
          entries: z.array(
            z.object({
              at: time.describe("When; of like ones that are counted together, the first"),
              last_at: time.describe("When the last of them was; `at` if there is one"),
              who: z
                .string()
                .describe("The token's name; `nobody` for those who could not say who they are"),
              what: z
                .string()
                .describe(
                  "The call, as this document names it, or one of authenticate, logIn, logOut, completeByUrl, callEndpoint",
                ),
              on: z
                .string()
                .describe(
                  "What it was about: the names and ids in the call's path, else its query; of a token that is made its name and scopes, of a log-in the session",
                ),
              status: z.int().describe("Of the answer"),
              from: z
                .string()
                .describe(
                  "The address that it came from; `many addresses` if it is counted together",
                ),
              request_id: z.string(),
              client_request_id: z
                .string()
                .nullable()
                .describe("What the sender calls its request"),
              count: z.int().min(1).describe("How many like ones this entry stands for"),
            }),
          ),
          next_cursor: nextCursor,
        }),
      ),
    },
  },
  problems: [],
} satisfies Operation;

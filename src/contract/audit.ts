/** Entries of the audit. */
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { nextCursor, time } from "./values.ts";

/** A page of the audit. */
export const auditSchema = named(
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
          .describe("The address that it came from; `many addresses` if it is counted together"),
        request_id: z.string(),
        client_request_id: z.string().nullable().describe("What the sender calls its request"),
        count: z.int().min(1).describe("How many like ones this entry stands for"),
      }),
    ),
    next_cursor: nextCursor,
  }),
);

/** A page of the audit log, newest first. It may be empty and still have a cursor. */
export type AuditPage = Json<typeof auditSchema>;

/** An audited action. */
export type AuditEntry = AuditPage["entries"][number];

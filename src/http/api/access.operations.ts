/** The calls that say who may come in. */
import { z } from "zod";
import { parseScope } from "../../domain/scope.ts";
import { durationUpTo, named, time } from "./schemas.ts";
import { NOBODY } from "../middleware/audit.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Access";

/** `.` and `..` are no part of an address: a token of such a name could not be deleted. */
const tokenName = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}$/, {
    error: "1 to 64 letters, digits, `.`, `_` and `-`, not only dots",
  })
  .refine((name) => name !== NOBODY, {
    error: `not ${NOBODY}: the audit calls those so who are not known`,
  })
  .describe("What the token is called where it is listed, and in the runs that it starts");

const scope = z
  .string()
  .refine((text) => parseScope(text) !== null, {
    error: "one of read, trigger, trigger:TASK+TASK, operate, admin",
  })
  .describe("`read`, `trigger`, `trigger:TASK+TASK`, `operate` or `admin`");

const sessionId = z.string().describe("The id of the session, as they are listed");

/** What the body of `POST /tokens` says. */
export const newToken = z.strictObject({
  name: tokenName,
  scopes: z
    .array(scope)
    .min(1, { error: "at least one scope" })
    .max(10, { error: "at most 10 scopes" })
    .describe("What it may do; several add up"),
  expires_in: durationUpTo("3650d")
    .optional()
    .describe("How long it is good for, such as `30d`; absent: until it is deleted"),
});

const listedToken = {
  name: z.string(),
  scopes: z.array(z.string()),
  expires_at: time.nullable().describe("Null: never"),
} as const;

export const listTokens = {
  id: "listTokens",
  method: "GET",
  path: "/tokens",
  right: "admin",
  group: GROUP,
  summary: "The API tokens, by their names; never what they are",
  answers: {
    200: {
      description: "Those that were made, and those of PEACH_API_TOKEN and PEACH_API_TOKENS",
      document: named(
        "Tokens",
        z.object({
          tokens: z.array(
            z.object({
              ...listedToken,
              configured: z
                .boolean()
                .describe(
                  "Set by a variable: it is changed there, and nothing else is known of it",
                ),
              created_at: time.nullable(),
              created_by: z.string().nullable().describe("The name of the token that made it"),
              last_used_at: time.nullable().describe("To the minute; null: not yet, or not known"),
            }),
          ),
        }),
      ),
    },
  },
  problems: [],
} satisfies Operation;

export const createToken = {
  id: "createToken",
  method: "POST",
  path: "/tokens",
  right: "admin",
  group: GROUP,
  summary: "Makes an API token, and shows it this once",
  body: {
    description: "What it is called, what it may do, and for how long",
    required: true,
    document: named("NewToken", newToken),
  },
  answers: {
    201: {
      description: "The token: it is kept nowhere, and cannot be shown again",
      document: named(
        "CreatedToken",
        z.object({
          ...listedToken,
          token: z
            .string()
            .describe(
              "`peach_` and 40 letters and digits, the last 6 of which check the others: `peach_[0-9A-Za-z]{40}`",
            ),
        }),
      ),
    },
  },
  problems: [
    "invalid_json",
    "invalid_payload",
    "payload_too_large",
    "token_exists",
    "too_many_tokens",
  ],
} satisfies Operation;

export const deleteToken = {
  id: "deleteToken",
  method: "DELETE",
  path: "/tokens/{name}",
  right: "admin",
  group: GROUP,
  summary: "Ends the token, and the sessions that it began, everywhere within 5 seconds",
  params: z.object({ name: z.string().describe("The name of the token") }),
  answers: { 204: { description: "It is deleted" } },
  problems: ["unknown_token"],
} satisfies Operation;

export const listSessions = {
  id: "listSessions",
  method: "GET",
  path: "/sessions",
  right: "admin",
  group: GROUP,
  summary: "Who is logged in to the dashboard, the newest first",
  answers: {
    200: {
      description: "The sessions that are not over",
      document: named(
        "Sessions",
        z.object({
          sessions: z.array(
            z.object({
              id: sessionId,
              token: z.string().describe("The name of the token that was logged in with"),
              from: z.string().describe("The address of the browser when it logged in"),
              created_at: time,
              last_seen_at: time.describe("To the minute; a session ends 12 hours after it"),
              expires_at: time.describe("When it ends however much it is used"),
            }),
          ),
        }),
      ),
    },
  },
  problems: [],
} satisfies Operation;

export const endSession = {
  id: "endSession",
  method: "DELETE",
  path: "/sessions/{id}",
  right: "admin",
  group: GROUP,
  summary: "Logs the browser out, everywhere within 5 seconds",
  params: z.object({ id: sessionId }),
  answers: { 204: { description: "The session is over" } },
  problems: ["unknown_session"],
} satisfies Operation;

/** API tokens, as they are listed and made. */
import * as z from "zod";
import { NOBODY } from "../domain/audit-entry.ts";
import { parseScope } from "../domain/scope.ts";
import { type Json, named } from "./named.ts";
import { durationUpTo, time } from "./values.ts";

/**
 * Name of a token. `.` and `..` are excluded: a client removes such path segments, so a DELETE
 * could not name the token.
 */
const tokenName = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}$/, {
    error: "1 to 64 letters, digits, `.`, `_` and `-`, not only dots",
  })
  .refine((name) => name !== NOBODY, {
    error: `not ${NOBODY}: the audit calls those so who are not known`,
  })
  .describe("What the token is called where it is listed, and in the runs that it starts");

/** A scope in its text form. */
const scope = z
  .string()
  .refine((text) => parseScope(text) !== null, {
    error: "one of read, trigger, trigger:TASK+TASK, operate, admin",
  })
  .describe("`read`, `trigger`, `trigger:TASK+TASK`, `operate` or `admin`");

/** Fields of every token. */
const listedToken = {
  name: z.string(),
  scopes: z.array(z.string()),
  expires_at: time.nullable().describe("Null: never"),
} as const;

/** The tokens of the deployment. */
export const tokensSchema = named(
  "Tokens",
  z.object({
    tokens: z.array(
      z.object({
        ...listedToken,
        configured: z
          .boolean()
          .describe("Set by a variable: it is changed there, and nothing else is known of it"),
        created_at: time.nullable(),
        created_by: z.string().nullable().describe("The name of the token that made it"),
        last_used_at: time.nullable().describe("To the minute; null: not yet, or not known"),
      }),
    ),
  }),
);

/** Body of `POST /tokens`. */
export const newTokenSchema = named(
  "NewToken",
  z.strictObject({
    name: tokenName,
    scopes: z
      .array(scope)
      .min(1, { error: "at least one scope" })
      .max(10, { error: "at most 10 scopes" })
      .describe("What it may do; several add up"),
    expires_in: durationUpTo("3650d")
      .optional()
      .describe("How long it is good for, such as `30d`; absent: until it is deleted"),
  }),
);

/** Answer of `POST /tokens`; the only one that contains the token itself. */
export const createdTokenSchema = named(
  "CreatedToken",
  z.object({
    ...listedToken,
    token: z
      .string()
      .describe(
        "`peach_` and 40 letters and digits, the last 6 of which check the others: `peach_[0-9A-Za-z]{40}`",
      ),
  }),
);

/** A token as it is listed. */
export type ListedToken = Json<typeof tokensSchema>["tokens"][number];

/** A new token, with its text. */
export type CreatedToken = Json<typeof createdTokenSchema>;

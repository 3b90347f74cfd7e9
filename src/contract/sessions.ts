/** Sessions of the dashboard. */
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { time } from "./values.ts";

/** Id of a session. */
export const sessionId = z.string().describe("The id of the session, as they are listed");

/** Open sessions. */
export const sessionsSchema = named(
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
);

/** An open session. */
export type ListedSession = Json<typeof sessionsSchema>["sessions"][number];

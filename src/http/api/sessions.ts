/** `/sessions`: lists and ends sessions of the dashboard. */
import * as z from "zod";
import { iso } from "../../contract/iso-time.ts";
import { sessionId, sessionsSchema } from "../../contract/sessions.ts";
import { parseSessionId } from "../../domain/ids.ts";
import type { Problem } from "../../domain/problem.ts";
import { callIdentity } from "../../objects/identity/identity-client.ts";
import { endSession as endSessionOf } from "../../objects/identity/sessions-client.ts";
import { tokenOfSession } from "../auth/api-tokens.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";

const GROUP = "Access";

/** `GET /sessions`: open sessions, newest first. */
export const listSessions = operation("GET /sessions", {
  id: "listSessions",
  right: "admin",
  group: GROUP,
  summary: "Who is logged in to the dashboard, the newest first",
  answers: {
    200: answer("The sessions that are not over", sessionsSchema),
  },
});

/** `DELETE /sessions/{id}`: logs the browser out. */
export const endSession = operation("DELETE /sessions/{id}", {
  id: "endSession",
  right: "admin",
  group: GROUP,
  summary: "Logs the browser out, everywhere within 5 seconds",
  params: z.object({ id: sessionId }),
  answers: { 204: { description: "The session is over" } },
  problems: ["unknown_session"],
});

/** Adds the routes below /api/v1. */
export function sessionRoutes(routes: Routes): void {
  handle(routes, listSessions, async (c, { reply }) => {
    const sessions = await callIdentity(c.env, (identity) => identity.sessions());
    // A session whose token was deleted or has expired is over, though its own time is not.
    const tokens = await Promise.all(
      sessions.map(({ token, tokenId }) => tokenOfSession(c.env, token, tokenId)),
    );
    const open = sessions.filter((_, index) => tokens[index] !== null);
    return reply(200, {
      sessions: open.map(({ id, token, address, createdAt, seenAt, expiresAt }) => ({
        id,
        token,
        from: address,
        created_at: iso(createdAt),
        last_seen_at: iso(seenAt),
        expires_at: iso(expiresAt),
      })),
    });
  });
  handle(routes, endSession, async (c, { params }) => {
    const id = parseSessionId(params.id);
    const isEnded = id !== null && (await endSessionOf(c.env, id));
    return isEnded ? c.body(null, 204) : problemResponse(c, unknownSession(params.id));
  });
}

function unknownSession(id: string): Problem {
  return {
    code: "unknown_session",
    detail: `There is no session ${JSON.stringify(id.slice(0, 200))}, or it is over.`,
    hint: "List those that there are: `npm run peach -- sessions`.",
  };
}

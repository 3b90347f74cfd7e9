/**
 * Serves `/dashboard/login`, `/dashboard/logout` and `/dashboard/session`: exchanges an API token,
 * or the code of a login link, for a session.
 */
import { Hono, type Context } from "hono";
import { ok, refuse, type Problem, type Result } from "../../domain/problem.ts";
import { accessAuthenticator } from "./cloudflare-access.ts";
import { NOBODY } from "../../domain/audit-entry.ts";
import { auditCounted, auditEach } from "../middleware/audit.ts";
import { countFailure } from "./failure-limit.ts";
import { unauthorized, type Refusal } from "./authenticator.ts";
import { readBounded } from "../bounded-body.ts";
import type { HttpEnv } from "../http-env.ts";
import { verifyLoginCode } from "./login-code.ts";
import { problemResponse } from "../problem.ts";
import { logOut, readSession, refuseForged, startSession, type Session } from "./session.ts";
import { identifyToken, type Token } from "./api-tokens.ts";

/** Size of a login's body. It holds one token. */
const MAX_BODY_BYTES = 4_096;
/** R2 prefix of redeemed codes; local runtime only. */
const USED_CODES = "login-codes/";

/** Creates the routes below /dashboard. With `isLocal`, login codes are accepted beside tokens. */
export function loginRoutes(isLocal: boolean): Hono<HttpEnv> {
  return new Hono<HttpEnv>()
    .get("/session", async (c) => {
      const session = await readSession(c);
      if (session === null) return knownOtherwise(c);
      return answer(c, session);
    })
    .post("/login", async (c) => {
      const forged = refuseForged(c);
      if (forged !== null) return problemResponse(c, forged);
      const read = await readCredentials(c);
      if (!read.ok) return fail(c, { problem: read.problem, headers: {} });
      const credentials = read.value;
      const token =
        "code" in credentials
          ? await redeemCode(c.env, credentials.code, isLocal)
          : await identifyToken(c.env, credentials.token);
      if ("problem" in token) return fail(c, token);
      const session = await startSession(c, token);
      auditCounted(c, { who: token.name, what: "logIn", on: session.id, status: 200 });
      return answer(c, session);
    })
    .post("/logout", async (c) => {
      const forged = refuseForged(c);
      if (forged !== null) return problemResponse(c, forged);
      const session = await logOut(c);
      if (session !== null)
        auditEach(c, { who: session.token.name, what: "logOut", on: session.id, status: 204 });
      return c.body(null, 204);
    });
}

/** Describes a caller who is signed in by Cloudflare Access, which counts as a login too. */
async function knownOtherwise(c: Context<HttpEnv>): Promise<Response> {
  const known = await accessAuthenticator.identify(c);
  if (known === null) return problemResponse(c, NOT_LOGGED_IN);
  if ("problem" in known) return problemResponse(c, known.problem, known.headers);
  c.header("Cache-Control", "no-store");
  return c.json({ name: known.name, scopes: known.scopes, expires_at: null });
}

/** Answers with the rights of the token, and the end of the session. */
function answer(c: Context<HttpEnv>, { token, expiresAt }: Session): Response {
  c.header("Cache-Control", "no-store");
  return c.json({
    name: token.name,
    scopes: token.scopes,
    expires_at: new Date(expiresAt).toISOString(),
  });
}

/**
 * Refuses a log-in. Every failure counts towards the failure limit, whatever the reason: a body
 * over the limit costs as much as a wrong token.
 */
async function fail(c: Context<HttpEnv>, refusal: Refusal): Promise<Response> {
  const { problem, headers } = await countFailure(c, refusal);
  const response = problemResponse(c, problem, headers);
  auditCounted(c, { who: NOBODY, what: "logIn", on: "", status: response.status });
  return response;
}

/** Reads the body `{"token": …}` or `{"code": …}`. */
async function readCredentials(
  c: Context<HttpEnv>,
): Promise<Result<{ token: string } | { code: string }>> {
  const read = await readBounded(c.req.raw, MAX_BODY_BYTES);
  if (!read.ok) return read;
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(read.value));
    if (typeof body !== "object" || body === null) return refuse(WRONG_BODY);
    if ("token" in body && typeof body.token === "string") return ok({ token: body.token.trim() });
    if ("code" in body && typeof body.code === "string") return ok({ code: body.code });
    return refuse(WRONG_BODY);
  } catch {
    return refuse(WRONG_BODY);
  }
}

/**
 * Redeems the code of a login link; refuses a code that is invalid, expired or used. Only the local
 * runtime accepts codes. The id of the code is written to R2 with the condition that it does not
 * exist yet, so one of two concurrent requests fails.
 */
async function redeemCode(env: Env, code: string, isLocal: boolean): Promise<Token | Refusal> {
  if (!isLocal) return CODE_REFUSED;
  const { PEACH_API_TOKEN: token = "" } = env;
  const known = await verifyLoginCode(code, token, Date.now());
  if (known === null) return CODE_REFUSED;
  const used = await env.PAYLOADS.put(`${USED_CODES}${known.id}`, "", {
    onlyIf: { etagDoesNotMatch: "*" },
    customMetadata: { expires: String(known.expiresAt) },
  });
  await forgetExpiredCodes(env);
  return used === null ? CODE_REFUSED : identifyToken(env, token);
}

/** Deletes the markers of codes that have expired: the expiry alone refuses those. */
async function forgetExpiredCodes(env: Env): Promise<void> {
  const { objects } = await env.PAYLOADS.list({ prefix: USED_CODES, include: ["customMetadata"] });
  const expired = objects.filter(
    ({ customMetadata }) => Number(customMetadata?.["expires"] ?? 0) < Date.now(),
  );
  if (expired.length > 0) await env.PAYLOADS.delete(expired.map(({ key }) => key));
}

/** The refusal of a call that needs a session. */
const NOT_LOGGED_IN: Problem = {
  code: "unauthorized",
  detail: "Nobody is logged in.",
  hint: "Log in with an API token at /dashboard.",
};

/** The refusal of a body that is no log-in. */
const WRONG_BODY: Problem = {
  code: "invalid_request",
  detail: "The body is no login.",
  hint: 'Send JSON: {"token": "..."}.',
};

const CODE_REFUSED = unauthorized(
  "The link has been used, is too old, or is of another runtime.",
  "Start `npm run dev` again for a new link, or log in with the API token, which stands in .dev.vars.",
);

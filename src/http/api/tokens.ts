/** `/tokens`: lists, makes and deletes API tokens. */
import type { Context } from "hono";
import * as z from "zod";
import { iso } from "../../contract/iso-time.ts";
import { createdTokenSchema, newTokenSchema, tokensSchema } from "../../contract/tokens.ts";
import { apiTokenFrom } from "../../domain/api-token.ts";
import { type Problem, type Result, ok, refuse } from "../../domain/problem.ts";
import { parseScope } from "../../domain/scope.ts";
import { callIdentity } from "../../objects/identity/identity-client.ts";
import { forgetKeptTokens, madeTokenDigest } from "../../objects/identity/tokens-client.ts";
import { wrongPlaces } from "../../payloads/misfit.ts";
import { ROOT_TOKEN_NAME, configuredTokens } from "../auth/api-tokens.ts";
import { readBounded } from "../bounded-body.ts";
import type { HttpEnv } from "../http-env.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";

const GROUP = "Access";

/** `GET /tokens`: made and configured tokens. The tokens themselves are never returned. */
export const listTokens = operation("GET /tokens", {
  id: "listTokens",
  right: "admin",
  group: GROUP,
  summary: "The API tokens, by their names; never what they are",
  answers: {
    200: answer(
      "Those that were made, and those of PEACH_API_TOKEN and PEACH_API_TOKENS",
      tokensSchema,
    ),
  },
});

/** `POST /tokens`: makes a token; this answer alone contains it. */
export const createToken = operation("POST /tokens", {
  id: "createToken",
  right: "admin",
  group: GROUP,
  summary: "Makes an API token, and shows it this once",
  body: {
    description: "What it is called, what it may do, and for how long",
    required: true,
    document: newTokenSchema,
  },
  answers: {
    201: answer("The token: it is kept nowhere, and cannot be shown again", createdTokenSchema),
  },
  problems: [
    "invalid_json",
    "invalid_payload",
    "payload_too_large",
    "token_exists",
    "too_many_tokens",
  ],
});

/** `DELETE /tokens/{name}`: revokes a token. */
export const deleteToken = operation("DELETE /tokens/{name}", {
  id: "deleteToken",
  right: "admin",
  group: GROUP,
  summary: "Ends the token, and the sessions that it began, everywhere within 5 seconds",
  params: z.object({ name: z.string().describe("The name of the token") }),
  answers: { 204: { description: "It is deleted" } },
  problems: ["unknown_token"],
});

/** Size of the body of `POST /tokens`. */
const MAX_BODY_BYTES = 16_384;

/** Adds the routes below /api/v1. */
export function tokenRoutes(routes: Routes): void {
  handle(routes, listTokens, async (c, { reply }) => {
    const [made, configured] = [
      await callIdentity(c.env, (identity) => identity.tokens()),
      await configuredTokens(c.env),
    ];
    const nothing = {
      created_at: null,
      created_by: null,
      last_used_at: null,
      expires_at: null,
    } as const;
    const tokens = [
      ...configured.map(({ name, scopes }) => ({ name, scopes, configured: true, ...nothing })),
      ...made.map(({ name, scopes, createdAt, createdBy, usedAt, expiresAt }) => ({
        name,
        scopes,
        configured: false,
        created_at: iso(createdAt),
        created_by: createdBy,
        last_used_at: iso(usedAt),
        expires_at: iso(expiresAt),
      })),
    ];
    return reply(200, {
      tokens: tokens.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    });
  });
  handle(routes, createToken, async (c, { about, reply }) => {
    const asked = await readNewToken(c);
    if (!asked.ok) return problemResponse(c, asked.problem);
    const { name, expires_in: goodForMs } = asked.value;
    about(`${name}: ${asked.value.scopes.join(", ")}`);
    if ((await configuredTokens(c.env)).some((configured) => configured.name === name))
      return problemResponse(c, exists(name));
    if (name === ROOT_TOKEN_NAME) return problemResponse(c, RESERVED);
    const token = randomToken();
    const digest = await madeTokenDigest(c.env, token);
    const scopes = asked.value.scopes.flatMap((text) => parseScope(text) ?? []);
    const expiresAt = goodForMs === undefined ? null : Date.now() + goodForMs;
    const createdBy = c.get("caller").name;
    const creation = await callIdentity(c.env, (identity) =>
      identity.createToken({ name, digest, scopes, createdBy, expiresAt }),
    );
    if (creation !== "created")
      return problemResponse(c, creation === "exists" ? exists(name) : TOO_MANY);
    forgetKeptTokens();
    c.header("Cache-Control", "no-store");
    return reply(201, { name, scopes, expires_at: iso(expiresAt), token });
  });
  handle(routes, deleteToken, async (c, { params: { name } }) => {
    const call = crypto.randomUUID();
    const isDeleted = await callIdentity(c.env, (identity) => identity.deleteToken(name, call));
    forgetKeptTokens();
    return isDeleted ? c.body(null, 204) : problemResponse(c, await unknownToken(c.env, name));
  });
}

/** Parses the body. Refuses with each wrong place. */
async function readNewToken(c: Context<HttpEnv>): Promise<Result<z.output<typeof newTokenSchema>>> {
  const read = await readBounded(c.req.raw, MAX_BODY_BYTES);
  if (!read.ok) return read;
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder().decode(read.value));
  } catch {
    return refuse({ code: "invalid_json", detail: "The body is no JSON.", hint: HOW });
  }
  const parsed = newTokenSchema.safeParse(body);
  if (parsed.success) return ok(parsed.data);
  const errors = wrongPlaces(parsed.error.issues);
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return refuse({
    code: "invalid_payload",
    detail: `The body describes no token: ${detail}.`,
    hint: HOW,
    errors,
  });
}

const HOW = 'Send {"name": "shop", "scopes": ["trigger"], "expires_in": "30d"}.';

/** Makes a random token. Draws again in the rare case that too few bytes are usable. */
function randomToken(): string {
  for (;;) {
    const token = apiTokenFrom(crypto.getRandomValues(new Uint8Array(64)));
    if (token !== null) return token;
  }
}

/** Refuses a second token of the same name. */
function exists(name: string): Problem {
  return {
    code: "token_exists",
    detail: `There is a token "${name}" already.`,
    hint: "Delete it first, or choose another name: a name stands for one token.",
  };
}

const RESERVED: Problem = {
  code: "token_exists",
  detail: `"${ROOT_TOKEN_NAME}" is what PEACH_API_TOKEN is called, also while it is not set.`,
  hint: "Choose another name: a name stands for one token.",
};

const TOO_MANY: Problem = {
  code: "too_many_tokens",
  detail: "There are 1,000 tokens already.",
  hint: "Delete those that have expired, or that nobody uses any more.",
};

async function unknownToken(env: Env, name: string): Promise<Problem> {
  const isConfigured = (await configuredTokens(env)).some((configured) => configured.name === name);
  return {
    code: "unknown_token",
    detail: isConfigured
      ? `The token "${name}" is set by a variable, and cannot be deleted here.`
      : `There is no token "${name}" that was made by the API.`,
    hint: isConfigured
      ? "Take it out of PEACH_API_TOKENS, or change the secret PEACH_API_TOKEN."
      : "List them: `npm run peach -- tokens`.",
  };
}

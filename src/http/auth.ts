/**
 * Who calls the API, and what they may do. Tokens are compared as SHA-256 digests in constant time, and every configured one
 * is compared, so that the time says nothing. Without any configured token the API refuses everyone.
 */
import type { Context, MiddlewareHandler } from "hono";
import type { Problem } from "../core/result.ts";
import { SCOPES, type Caller, type HttpEnv, type Scope } from "./http-env.ts";
import { problemResponse } from "./problem.ts";

/** What a call does, as far as rights go. */
export type Right = "read_run" | "list" | "trigger" | "change";

const RIGHTS: Readonly<Record<Scope, readonly Right[]>> = {
  read: ["read_run", "list"],
  trigger: ["read_run", "trigger"],
  admin: ["read_run", "list", "trigger", "change"],
};

/** The scopes that have this right. */
export function scopesOf(right: Right): readonly Scope[] {
  return SCOPES.filter((scope) => RIGHTS[scope].includes(right));
}

interface Token extends Caller {
  readonly digest: Uint8Array;
}

/** Why somebody may not call, with the headers of the answer. */
export interface Refusal {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

/** Lets through only who has a valid token, and notes the caller. */
export const authenticate: MiddlewareHandler<HttpEnv> = async function authenticate(c, next) {
  const identified = await identify(c);
  if ("problem" in identified) return problemResponse(c, identified.problem, identified.headers);
  c.set("caller", identified);
  await next();
  return undefined;
};

/** Lets through only callers with this right; `authenticate` must have run. */
export function allow(right: Right): MiddlewareHandler<HttpEnv> {
  return async function allowed(c, next) {
    const refusal = refuseWithout(right, c.get("caller"));
    if (refusal !== null) return problemResponse(c, refusal.problem, refusal.headers);
    await next();
    return undefined;
  };
}

/** Whose token the request brings, or the refusal `unauthorized`. */
export async function identify(c: Context<HttpEnv>): Promise<Caller | Refusal> {
  const tokens = await configuredTokens(c.env);
  if (tokens.length === 0) return NOBODY_ALLOWED;
  const presented = /^Bearer +(\S+) *$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (presented === undefined) return WITHOUT_TOKEN;
  return findCaller(tokens, await sha256(presented)) ?? UNKNOWN_TOKEN;
}

/** The refusal `forbidden` if the caller has not this right. */
export function refuseWithout(right: Right, { name, scope }: Caller): Refusal | null {
  if (RIGHTS[scope].includes(right)) return null;
  return {
    problem: {
      code: "forbidden",
      detail: `The token "${name}" has the scope \`${scope}\`, which does not allow this call.`,
      hint: `Use a token with the scope ${scopesOf(right)
        .map((scope) => `\`${scope}\``)
        .join(" or ")}.`,
    },
    headers: { "WWW-Authenticate": 'Bearer realm="peach", error="insufficient_scope"' },
  };
}

function findCaller(tokens: readonly Token[], digest: Uint8Array): Caller | null {
  let caller: Caller | null = null;
  for (const token of tokens) {
    if (crypto.subtle.timingSafeEqual(token.digest, digest)) caller ??= token;
  }
  return caller;
}

async function configuredTokens(env: Env): Promise<Token[]> {
  const tokens: Token[] = [];
  if (env.PEACH_API_TOKEN) tokens.push({ name: "api", scope: "admin", digest: await sha256(env.PEACH_API_TOKEN) });
  const entries = (env.PEACH_API_TOKENS ?? "").split(",").map((entry) => entry.trim());
  for (const [index, entry] of entries.entries()) {
    if (entry === "") continue;
    const token = parseToken(entry);
    if (token !== null) tokens.push(token);
    else
      console.error(
        JSON.stringify({ message: `PEACH_API_TOKENS: entry ${index + 1} is not name:scope:sha256-hex and is ignored` }),
      );
  }
  return tokens;
}

function parseToken(entry: string): Token | null {
  const [, name, scopeName, hex] = /^([^:\s]+):([a-z]+):([0-9a-f]{64})$/i.exec(entry) ?? [];
  const scope = SCOPES.find((known) => known === scopeName);
  if (name === undefined || scope === undefined || hex === undefined) return null;
  return { name, scope, digest: Uint8Array.fromHex(hex) };
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

const NOBODY_ALLOWED = unauthorized(
  "No API token is configured, so the API refuses everyone.",
  "Set the secret PEACH_API_TOKEN (`wrangler secret put PEACH_API_TOKEN`; locally a line in .dev.vars), or PEACH_API_TOKENS.",
);

const WITHOUT_TOKEN = unauthorized("The request has no API token.", "Send the header `Authorization: Bearer TOKEN`.");

const UNKNOWN_TOKEN = unauthorized(
  "The API token is not one of those configured.",
  "Compare it with PEACH_API_TOKEN, or its SHA-256 with the entries of PEACH_API_TOKENS.",
  ', error="invalid_token"',
);

function unauthorized(detail: string, hint: string, challenge = ""): Refusal {
  return {
    problem: { code: "unauthorized", detail, hint },
    headers: { "WWW-Authenticate": `Bearer realm="peach"${challenge}` },
  };
}

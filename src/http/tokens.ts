/**
 * The API's own tokens. They are compared as SHA-256 digests in constant time, and every configured one is compared, so that the time
 * says nothing. What is configured is read once, and again when it changes.
 */
import type { Context } from "hono";
import { unauthorized, type Authenticator, type Refusal } from "./authenticator.ts";
import { SCOPES, type Caller, type HttpEnv } from "./http-env.ts";

/** A configured API token: whose it is, and the SHA-256 of its text. */
export interface Token extends Caller {
  readonly digest: Uint8Array;
}

/** What the variables held when they were read last. Values only: a promise of one request must not be awaited in another. */
let read: { readonly token: string; readonly list: string; readonly tokens: readonly Token[] } | null = null;

/** No token is longer by far. */
const MAX_TOKEN_LETTERS = 4_096;

/** By `Authorization: Bearer TOKEN`: PEACH_API_TOKEN, or one of PEACH_API_TOKENS. */
export const byToken: Authenticator = {
  isConfigured: ({ PEACH_API_TOKEN, PEACH_API_TOKENS }) =>
    Boolean(PEACH_API_TOKEN ?? "") || Boolean(PEACH_API_TOKENS ?? ""),
  async identify(c) {
    const presented = bearerOf(c);
    return presented === null ? null : identifyToken(c.env, presented);
  },
};

/** The configured token with this text, or the refusal `unauthorized`. */
export async function identifyToken(env: Env, presented: string): Promise<Token | Refusal> {
  if (presented.length > MAX_TOKEN_LETTERS) return UNKNOWN_TOKEN;
  return findToken(await configuredTokens(env), await sha256(presented)) ?? UNKNOWN_TOKEN;
}

function bearerOf(c: Context<HttpEnv>): string | null {
  return /^Bearer +(\S+) *$/i.exec(c.req.header("Authorization") ?? "")?.[1] ?? null;
}

function findToken(tokens: readonly Token[], digest: Uint8Array): Token | null {
  let found: Token | null = null;
  for (const token of tokens) {
    if (crypto.subtle.timingSafeEqual(token.digest, digest)) found ??= token;
  }
  return found;
}

/** The tokens of the configuration; entries that cannot be read are logged and left out. */
export async function configuredTokens({
  PEACH_API_TOKEN: token = "",
  PEACH_API_TOKENS: list = "",
}: Env): Promise<readonly Token[]> {
  if (read !== null && read.token === token && read.list === list) return read.tokens;
  const tokens: Token[] = [];
  if (token !== "") tokens.push({ kind: "token", name: "api", scope: "admin", digest: await sha256(token) });
  for (const [index, entry] of list.split(",").entries()) {
    if (entry.trim() === "") continue;
    const parsed = parseToken(entry.trim());
    if (parsed !== null) tokens.push(parsed);
    else {
      const message = `PEACH_API_TOKENS: entry ${index + 1} is not name:scope:sha256-hex and is ignored`;
      console.error(JSON.stringify({ message }));
    }
  }
  read = { token, list, tokens };
  return tokens;
}

function parseToken(entry: string): Token | null {
  const [, name, scopeName, hex] = /^([^:\s]+):([a-z]+):([0-9a-f]{64})$/i.exec(entry) ?? [];
  const scope = SCOPES.find((known) => known === scopeName);
  if (name === undefined || scope === undefined || hex === undefined) return null;
  return { kind: "token", name, scope, digest: Uint8Array.fromHex(hex) };
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

const UNKNOWN_TOKEN = unauthorized(
  "The API token is not one of those configured.",
  "Compare it with PEACH_API_TOKEN, or its SHA-256 with the entries of PEACH_API_TOKENS.",
  ', error="invalid_token"',
);

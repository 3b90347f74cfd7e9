/**
 * Identifies API tokens: PEACH_API_TOKEN, the entries of PEACH_API_TOKENS, and tokens made by `POST
 * /tokens`.
 *
 * Configured tokens are compared as SHA-256 digests in constant time, each of them, so that the
 * duration of a request reveals nothing. The variables are parsed once, and again after a change.
 */
import type { Context } from "hono";
import { isApiToken, MIN_TOKEN_LETTERS } from "../../domain/api-token.ts";
import type { Credential, MadeToken } from "../../domain/identity.ts";
import { parseScope, type Scope } from "../../domain/scope.ts";
import { macOf } from "../../objects/identity/identity-client.ts";
import {
  findMadeToken,
  isExpired,
  madeTokenOf,
  noteTokenUse,
} from "../../objects/identity/tokens-client.ts";
import { sha256 } from "../../platform/sha256.ts";
import { unauthorized, type Authenticator, type Refusal } from "./authenticator.ts";
import type { Caller, HttpEnv } from "../http-env.ts";
import { log } from "../../platform/log.ts";

/** An accepted API token. */
export interface Token extends Caller {
  /**
   * Identity of the token beyond the name: a later token of the same name differs. A MAC or a
   * digest, which no client can compute.
   */
  readonly identity: () => Promise<string>;
}

/** A token of a variable, without the text: only the digest is kept. */
interface ConfiguredToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the token's text. */
  readonly digest: Uint8Array;
}

/** The parsed variables. */
interface Configuration {
  readonly tokens: readonly ConfiguredToken[];
  /**
   * SHA-256 of a PEACH_API_TOKEN that is too short to be safe, and therefore refused; null if there
   * is none.
   */
  readonly tooShort: Uint8Array | null;
}

/**
 * Cache of the last parse. It holds values only: on Workers, a promise of one request must not be
 * awaited in another.
 */
let read: ({ readonly token: string; readonly list: string } & Configuration) | null = null;

/** Name of PEACH_API_TOKEN in lists, runs and the audit. */
export const ROOT_TOKEN_NAME = "api";
/**
 * Limit of a presented token, in characters. Real tokens are far shorter; longer text is rejected
 * before hashing.
 */
const MAX_TOKEN_LETTERS = 4_096;

/** Credential of all configured tokens, which never expire and are removed by a deploy only. */
const CONFIGURED: Credential = { madeToken: null, session: null, expiresAt: null };

/** Authenticates by `Authorization: Bearer TOKEN`. */
export const tokenAuthenticator: Authenticator = {
  isConfigured: ({ PEACH_API_TOKEN, PEACH_API_TOKENS }) =>
    Boolean(PEACH_API_TOKEN ?? "") || Boolean(PEACH_API_TOKENS ?? ""),
  async identify(c) {
    const presented = bearerOf(c);
    if (presented === null) return null;
    const token = await identifyToken(c.env, presented);
    if ("made" in token) c.executionCtx.waitUntil(noteTokenUse(c.env, token.made));
    return token;
  },
};

/**
 * Finds the token with this text; else the refusal `unauthorized`. Rejects with
 * `IdentityUnreachableError` if the identity object is needed and unreachable.
 */
export async function identifyToken(
  env: Env,
  presented: string,
): Promise<Token | (Token & { readonly made: MadeToken }) | Refusal> {
  if (presented.length > MAX_TOKEN_LETTERS) return UNKNOWN_TOKEN;
  const { tokens, tooShort } = await configurationOf(env);
  const digest = await sha256(presented);
  const configured = tokenWith(tokens, digest);
  if (configured !== null) return ofConfiguration(env, configured);
  if (tooShort !== null && crypto.subtle.timingSafeEqual(tooShort, digest)) return TOO_SHORT;
  // The checksum in made tokens saves a call: text without it was never made.
  const made = isApiToken(presented) ? await findMadeToken(env, presented) : null;
  if (made === null) return UNKNOWN_TOKEN;
  return isExpired(made) ? expired(made) : { ...ofMade(made), made };
}

/**
 * Returns the token that opened a session; null if deleted, expired or renamed. Rejects as
 * `identifyToken` does.
 */
export async function tokenOfSession(
  env: Env,
  name: string,
  identity: string,
): Promise<Token | null> {
  for (const configured of (await configurationOf(env)).tokens) {
    const token = configured.name === name ? ofConfiguration(env, configured) : null;
    if (token !== null && (await token.identity()) === identity) return token;
  }
  const made = await madeTokenOf(env, identity);
  return made === null || isExpired(made) || made.name !== name ? null : ofMade(made);
}

/** Lists names and scopes of the configured tokens. Malformed entries are logged and skipped. */
export async function configuredTokens(
  env: Env,
): Promise<readonly Pick<ConfiguredToken, "name" | "scopes">[]> {
  return (await configurationOf(env)).tokens;
}

/**
 * Checks for a PEACH_API_TOKEN that is set but too short, and therefore authenticates no caller.
 */
export async function isTokenTooShort(env: Env): Promise<boolean> {
  return (await configurationOf(env)).tooShort !== null;
}

function bearerOf(c: Context<HttpEnv>): string | null {
  return /^Bearer +(\S+) *$/i.exec(c.req.header("Authorization") ?? "")?.[1] ?? null;
}

/** Compares the digest with every token, without an early return: see the top of this file. */
function tokenWith(tokens: readonly ConfiguredToken[], digest: Uint8Array): ConfiguredToken | null {
  let found: ConfiguredToken | null = null;
  for (const token of tokens) {
    if (crypto.subtle.timingSafeEqual(token.digest, digest)) found ??= token;
  }
  return found;
}

function ofConfiguration(env: Env, { name, scopes, digest }: ConfiguredToken): Token {
  const identity = async (): Promise<string> =>
    (await macOf(env, "configured tokens", digest.toHex())).toHex();
  return { kind: "token", name, scopes, identity, credential: CONFIGURED };
}

function ofMade({ name, scopes, digest }: MadeToken): Token {
  const credential = { ...CONFIGURED, madeToken: digest };
  return { kind: "token", name, scopes, identity: () => Promise.resolve(digest), credential };
}

/** Parses the variables, or returns the cached result while they are unchanged. */
async function configurationOf({
  PEACH_API_TOKEN: token = "",
  PEACH_API_TOKENS: list = "",
}: Env): Promise<Configuration> {
  if (read !== null && read.token === token && read.list === list) return read;
  const tokens: ConfiguredToken[] = [];
  const isTooShort = token !== "" && token.length < MIN_TOKEN_LETTERS;
  if (isTooShort) log("error", `PEACH_API_TOKEN: ${TOO_SHORT.problem.detail}`);
  if (token !== "" && !isTooShort)
    tokens.push({ name: ROOT_TOKEN_NAME, scopes: ["admin"], digest: await sha256(token) });
  for (const [index, entry] of list.split(",").entries()) {
    if (entry.trim() === "") continue;
    const parsed = parseToken(entry.trim());
    if (parsed !== null) tokens.push(parsed);
    else {
      const message = `PEACH_API_TOKENS: entry ${index + 1} is not name:scope:sha256-hex and is ignored`;
      log("error", message);
    }
  }
  read = { token, list, tokens, tooShort: isTooShort ? await sha256(token) : null };
  return read;
}

/** Parses an entry `name:scope:sha256-hex`; null if malformed. */
function parseToken(entry: string): ConfiguredToken | null {
  const [, name, word = "", hex] =
    /^([^:\s]+):((?:trigger:)?[^:\s]+):([0-9a-f]{64})$/i.exec(entry) ?? [];
  const scope = parseScope(word);
  if (name === undefined || scope === null || hex === undefined) return null;
  return { name, scopes: [scope], digest: Uint8Array.fromHex(hex) };
}

const INVALID = ', error="invalid_token"';

const UNKNOWN_TOKEN = unauthorized(
  "The API token is none that this deployment knows.",
  "Compare it with PEACH_API_TOKEN, its SHA-256 with the entries of PEACH_API_TOKENS, or list those that were made: `npm run peach -- tokens`.",
  INVALID,
);

/** Only sent to a client that presented this very token, so to its owner. */
const TOO_SHORT = unauthorized(
  `The token has fewer than ${MIN_TOKEN_LETTERS} characters, so anybody might guess it: it is refused.`,
  "Set a longer PEACH_API_TOKEN, such as `openssl rand -hex 24` prints; locally `npm run dev` makes one if .dev.vars has none.",
  INVALID,
);

function expired({ name, expiresAt }: MadeToken): Refusal {
  return unauthorized(
    `The API token "${name}" has expired, at ${new Date(expiresAt ?? 0).toISOString()}.`,
    "An admin makes another one: `npm run peach -- tokens create NAME --scopes SCOPES`.",
    INVALID,
  );
}

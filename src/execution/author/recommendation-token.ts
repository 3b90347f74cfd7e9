/**
 * Signs and verifies the token of a recommendation: `rec1.CLAIMS.MAC`, the claims in JSON and an
 * HMAC-SHA-256, both in base64url. The key is derived from the deployment's key, which never
 * changes: tokens stay valid over deploys, and a change of API tokens breaks none. The claims are
 * readable for everybody who has the token, so the user is a keyed hash there.
 */
import { readClaims, type Recommendation, writeClaims } from "./recommendation-claims.ts";
import { FALLBACK } from "../../domain/plan/recommendation-plan.ts";
import { CLICK } from "../../domain/recommendations/statistics.ts";
import { countRecommendation } from "../../objects/deliveries/recommendation-client.ts";
import { macOf } from "../../objects/identity/identity-client.ts";
import type { Lifetime } from "../../platform/lifetime.ts";
import { InvalidRecommendationError } from "./errors.ts";

const VERSION = "rec1";
/** Longest text that is looked at. */
const MAX_LENGTH = 4_096;
/** Length of a user's hash in bytes: collisions among millions of users are unlikely. */
const HASH_BYTES = 12;
const ENCODED = { alphabet: "base64url", omitPadding: true } as const;

/** Signs the claims. Rejects when the identity object cannot be reached. */
export async function signRecommendation(env: Env, claims: Recommendation): Promise<string> {
  const signed = `${VERSION}.${new TextEncoder().encode(writeClaims(claims)).toBase64(ENCODED)}`;
  const mac = await macOf(env, "recommendation tokens", signed);
  return `${signed}.${mac.toBase64(ENCODED)}`;
}

/**
 * Verifies a token. Rejects with `InvalidRecommendationError` for any other text, and when the
 * identity object cannot be reached.
 */
export async function verifyRecommendationToken(env: Env, token: unknown): Promise<Recommendation> {
  const [, signed = "", claims = "", mac = ""] =
    typeof token === "string" && token.length <= MAX_LENGTH
      ? (/^(rec1\.([\w-]+))\.([\w-]{43})$/.exec(token) ?? [])
      : [];
  if (signed === "") throw new InvalidRecommendationError();
  // Compared as text: four last letters stand for the same bytes, and a token has one form.
  const expected = (await macOf(env, "recommendation tokens", signed)).toBase64(ENCODED);
  const [ours, given] = [expected, mac].map((text) => new TextEncoder().encode(text));
  if (ours === undefined || given === undefined || !crypto.subtle.timingSafeEqual(ours, given))
    throw new InvalidRecommendationError();
  // A signature of this deployment is of claims that it has encoded itself.
  const read = readClaims(
    new TextDecoder().decode(Uint8Array.fromBase64(claims, { alphabet: "base64url" })),
  );
  if (read === null) throw new InvalidRecommendationError();
  return read;
}

/** Verifies a token and counts a click for what it names. Rejects like the verification. */
export async function countVerifiedClick(
  env: Env,
  lifetime: Lifetime,
  token: string,
): Promise<Recommendation> {
  const recommendation = await verifyRecommendationToken(env, token);
  const { endpoint, component, fallback } = recommendation;
  countRecommendation(env, lifetime, endpoint, fallback ? FALLBACK : component, CLICK);
  return recommendation;
}

/**
 * Hashes a user, a client or a session under a key of the deployment: nobody else can tell which
 * user a token is about. The same user has the same hash in all endpoints.
 */
export async function hashUser(env: Env, user: string): Promise<string> {
  const mac = await macOf(env, "recommendation users", user);
  return mac.subarray(0, HASH_BYTES).toBase64(ENCODED);
}

/**
 * Whether a delivery was signed by somebody who knows the endpoint's secret, and lately. Owns what all schemes share: the secrets,
 * of which there may be several at once, the tolerance, and the comparison; what each scheme signs is in the file of its name.
 *
 * The headers are looked at, and the time is held against the tolerance, before a byte of the body is read. The digest is computed once
 * a secret, while the body comes, and compared in constant time. Must not: say in an answer or in the log what a secret is, or how near a signature came.
 */
import { createHash, createHmac } from "node:crypto";
import type { HmacAuth, SignatureScheme } from "../../domain/plan/endpoint-auth.ts";
import { ok, refuse, type Problem, type Result } from "../../domain/problem.ts";
import type { Scheme } from "./claim.ts";
import { fitsAny } from "./digest.ts";
import { github } from "./github.ts";
import { hmacSha256In } from "./hmac-sha256.ts";
import { slack } from "./slack.ts";
import { standardWebhooks } from "./standard-webhooks.ts";
import { stripe } from "./stripe.ts";

/** What is known of a delivery whose signature fits. */
export interface VerifiedDelivery {
  /** The sender's id of it, the same each time it is sent; null if the scheme signs none. */
  readonly deliveryId: string | null;
  /**
   * SHA-256 in hex of what it is known by when it is sent again: the body, with the id that is signed, else with all that is signed
   * before it (a sender that tries again signs another time). Not of the signature: the same bytes have as many as there are secrets.
   */
  readonly digest: string;
}

/** A verification that has begun: shown the body as it was sent, chunk by chunk, it tells whether the signature fits. */
export interface Verification {
  update(chunk: Uint8Array): void;
  /** Once, after the last chunk; `body` is all of them. Refuses with `signature_mismatch`. */
  finish(body: Uint8Array): Result<VerifiedDelivery>;
}

/**
 * Begins to verify a delivery that came at `now` (epoch milliseconds), by its headers. `secrets` is what the variable holds. Refuses with
 * `signature_not_configured`, `signature_missing`, `signature_stale`, or `signature_mismatch` for headers that nobody would send.
 */
export function beginVerification(
  auth: HmacAuth,
  secrets: unknown,
  headers: Headers,
  now: number,
): Result<Verification> {
  const scheme = schemeOf(auth);
  const keys = keysOf(auth, scheme, secrets);
  if (keys.length === 0) return refuse(notConfigured(auth));
  const claim = scheme.read(headers);
  if (!claim.ok) return claim;
  const { digests, before, signedAt, deliveryId } = claim.value;
  if ("toleranceMs" in auth && (signedAt === null || Math.abs(now - signedAt) > auth.toleranceMs))
    return refuse(stale(auth.toleranceMs));
  const macs = keys.map((key) => createHmac("sha256", key).update(before));
  const sha256 = createHash("sha256");
  return ok({
    update(chunk) {
      for (const mac of [...macs, sha256]) mac.update(chunk);
    },
    finish(body) {
      const fits = macs.map((mac) => fitsAny(mac.digest(), digests));
      if (!fits.includes(true)) return refuse(mismatch(auth));
      const id = deliveryId(body);
      const [by, name] = id === null ? (["signed", before] as const) : (["id", id] as const);
      return ok({ deliveryId: id, digest: digestOf(auth.scheme, by, name, sha256.digest("hex")) });
    },
  });
}

/** Of a delivery whose body, or what is signed in its place, has this digest. */
export function digestOf(
  scheme: SignatureScheme,
  by: "id" | "signed",
  name: string,
  body: string,
): string {
  return createHash("sha256")
    .update(JSON.stringify([scheme, by, name, body]))
    .digest("hex");
}

function schemeOf(auth: HmacAuth): Scheme {
  switch (auth.scheme) {
    case "standard-webhooks":
      return standardWebhooks;
    case "github":
      return github;
    case "stripe":
      return stripe;
    case "slack":
      return slack;
    case "hmac-sha256":
      return hmacSha256In(auth.header);
  }
}

/** The keys of all configured secrets; one that cannot be a key is logged by its place, never by its value. */
function keysOf(auth: HmacAuth, scheme: Scheme, secrets: unknown): Uint8Array[] {
  const entries =
    typeof secrets === "string" ? secrets.split(",").map((entry) => entry.trim()) : [];
  return entries.flatMap((entry, index) => {
    if (entry === "") return [];
    const key = scheme.keyOf(entry);
    if (key !== null && key.byteLength > 0) return [key];
    console.error(
      JSON.stringify({
        message: `${auth.secret}: secret ${index + 1} is none of ${auth.scheme} and is ignored`,
      }),
    );
    return [];
  });
}

function notConfigured({ secret, scheme }: HmacAuth): Problem {
  return {
    code: "signature_not_configured",
    detail: "The endpoint's secret is not configured, so it refuses every delivery.",
    hint: `Set ${secret} to the secret of ${scheme} (\`wrangler secret put ${secret}\`; locally a line in .dev.vars).`,
  };
}

/** The refusal of what was signed too long ago, or is to be signed. */
export function stale(toleranceMs: number): Problem {
  return {
    code: "signature_stale",
    detail: `The delivery was not signed within ${toleranceMs / 1000} s of now.`,
    hint: "Send it again with a new signature, and compare the sender's clock; `tolerance` in peach.conf sets the limit.",
  };
}

function mismatch({ secret, scheme }: HmacAuth): Problem {
  return {
    code: "signature_mismatch",
    detail: "The signature does not fit the body.",
    hint: `Compare the sender's secret with ${secret}; ${scheme} signs the body as it is sent, byte by byte.`,
  };
}

/**
 * Verifies that a delivery was signed with the endpoint's secret, and recently. Owns the common
 * part of all schemes: the secrets, of which several may be valid at once, the tolerance, and the
 * comparison. The signed text of each scheme is in a file of its own.
 *
 * Headers and time are checked before a byte of the body is read. Each secret's digest is computed
 * while the body arrives, and compared in constant time. Must not reveal a secret, or how close a
 * signature came, in an answer or in the log.
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
import { log } from "../../platform/log.ts";

/** A delivery with a valid signature. */
export interface VerifiedDelivery {
  /**
   * The sender's id of the delivery, the same in every repetition; null if the scheme signs none.
   */
  readonly deliveryId: string | null;
  /**
   * The delivery's identity across repetitions: SHA-256 in hex of the body and the signed id.
   * Without a signed id, of the body and the signed text before it (such a sender signs a new time
   * in each repetition). The signature is not part of it: the same bytes have as many signatures as
   * there are secrets.
   */
  readonly digest: string;
}

/**
 * A verification in progress. It is fed the body as sent, chunk by chunk, and then tells whether
 * the signature fits.
 */
export interface Verification {
  update(chunk: Uint8Array): void;
  /** Call once, after the last chunk; `body` is all of them. Refuses with `signature_mismatch`. */
  finish(body: Uint8Array): Result<VerifiedDelivery>;
}

/**
 * Begins to verify a delivery that arrived at `now` (epoch milliseconds), from its headers.
 * `secrets` is the value of the variable. Refuses with `signature_not_configured`,
 * `signature_missing`, `signature_stale`, or `signature_mismatch` for headers that no real sender
 * would send.
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

/** The digest of a delivery whose body, or signed replacement of it, has the digest `body`. */
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

/**
 * The keys of all configured secrets. An invalid secret is logged by its position, never by its
 * value.
 */
function keysOf(auth: HmacAuth, scheme: Scheme, secrets: unknown): Uint8Array[] {
  const entries =
    typeof secrets === "string" ? secrets.split(",").map((entry) => entry.trim()) : [];
  return entries.flatMap((entry, index) => {
    if (entry === "") return [];
    const key = scheme.keyOf(entry);
    if (key !== null && key.byteLength > 0) return [key];
    log("error", `${auth.secret}: secret ${index + 1} is none of ${auth.scheme} and is ignored`);
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

/** The refusal of a signature that is too old, or from the future. */
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

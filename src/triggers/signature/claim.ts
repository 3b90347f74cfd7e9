/**
 * The claim of a signature scheme, read from the headers of a delivery before the body is read and
 * any secret is used.
 */
import { ok, refuse, type Problem, type Result } from "../../domain/problem.ts";

/** A delivery's claims. Nothing in it counts until a digest fits. */
export interface SignatureClaim {
  /** HMAC-SHA256 digests; one must fit. A sender that rotates its secret sends several. */
  readonly digests: readonly Uint8Array[];
  /** The signed text before the body. The body follows as sent, byte by byte. */
  readonly before: string;
  /** Epoch milliseconds; null if the scheme does not sign the time. */
  readonly signedAt: number | null;
  /**
   * The sender's id of this delivery, the same in every repetition, if it is part of the signed
   * text; otherwise null. Called after a digest fits.
   */
  readonly deliveryId: (body: Uint8Array) => string | null;
}

/** A signature scheme. */
export interface Scheme {
  /**
   * Reads the claim. Refuses with `signature_missing`, or with `signature_mismatch` for headers
   * that no real sender would send.
   */
  read(headers: Headers): Result<SignatureClaim>;
  /** Returns the key of a configured secret, or null if the secret cannot be a key. */
  keyOf(secret: string): Uint8Array | null;
}

/**
 * Reads a header that must match `pattern`. Two headers of the same name arrive as one, joined by a
 * comma and a space. Patterns that allow neither refuse the second one, which a proxy could read
 * differently than the sender.
 */
export function readHeader(
  headers: Headers,
  name: string,
  pattern: RegExp,
  form: string,
): Result<string> {
  const value = headers.get(name);
  if (value === null || value === "") return refuse(missing(name));
  return pattern.test(value) ? ok(value) : refuse(malformed(name, form));
}

/** The refusal of a header that does not have the scheme's form. */
export function malformed(name: string, form: string): Problem {
  return {
    code: "signature_mismatch",
    detail: `The header ${name} is not ${form}, or is there more than once.`,
    hint: "Send it once, exactly as the scheme writes it.",
  };
}

function missing(name: string): Problem {
  return {
    code: "signature_missing",
    detail: `The delivery has no header ${name}.`,
    hint: "Have the sender sign its deliveries; `auth` of the endpoint in peach.conf says by which scheme.",
  };
}

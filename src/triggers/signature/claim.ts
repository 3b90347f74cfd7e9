/** What a scheme of signatures reads from the headers of a delivery, before its body is read and any secret is involved. */
import { ok, refuse, type Problem, type Result } from "../../domain/problem.ts";

/** What a delivery says of itself. Nothing of it counts until a digest fits. */
export interface SignatureClaim {
  /** HMAC-SHA256 digests, of which one must fit: a sender that rotates its secret sends several. */
  readonly digests: readonly Uint8Array[];
  /** What is signed in front of the body, which follows as it is sent, byte by byte. */
  readonly before: string;
  /** Epoch milliseconds; null where the scheme does not sign the time. */
  readonly signedAt: number | null;
  /**
   * The sender's id of this delivery, the same each time it is sent, if it is part of what is signed; else null. Asked for once a
   * digest fits.
   */
  readonly deliveryId: (body: Uint8Array) => string | null;
}

/** One scheme. */
export interface Scheme {
  /** Refuses with `signature_missing`, or with `signature_mismatch` what nobody who knows the scheme would send. */
  read(headers: Headers): Result<SignatureClaim>;
  /** The key that a configured secret stands for, or null if it cannot be one. */
  keyOf(secret: string): Uint8Array | null;
}

/**
 * The header, if it is there and fits. Two headers of a name arrive as one, joined by a comma and a space: patterns that allow
 * neither refuse the second, which a proxy could have read differently than the sender.
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

/** The refusal of a header that is there but says nothing the scheme knows. */
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

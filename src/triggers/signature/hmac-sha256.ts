/**
 * Plain HMAC-SHA256 of the body, used by many senders: in hex of either case (.NET prints capitals)
 * or in base64 (Shopify), with or without `sha256=` before it. Signs neither a time nor a delivery
 * id.
 */
import { ok, refuse } from "../../domain/problem.ts";
import { malformed, readHeader, type Scheme } from "./claim.ts";
import { decodeBase64, encodeText } from "./digest.ts";

/**
 * Encodings differ in length: 32 bytes are 64 digits of hex, or 43 characters of base64 and one
 * `=`.
 */
const HEX = /^(?:sha256=)?([0-9a-f]{64})$/i;
const BASE64 = /^(?:sha256=)?([A-Za-z0-9+/]{43}=)$/i;
const ANY = /^[\w+/=]+$/;
const FORM = "64 digits of hex, or 32 bytes in base64";

/** The scheme with its signature in `header`. */
export function hmacSha256In(header: string): Scheme {
  return {
    read(headers) {
      const signature = readHeader(headers, header, ANY, FORM);
      if (!signature.ok) return signature;
      const digest = digestIn(signature.value);
      if (digest === null) return refuse(malformed(header, FORM));
      return ok({ digests: [digest], before: "", signedAt: null, deliveryId: () => null });
    },

    keyOf: encodeText,
  };
}

function digestIn(signature: string): Uint8Array | null {
  const hex = HEX.exec(signature)?.[1];
  if (hex !== undefined) return Uint8Array.fromHex(hex);
  const base64 = BASE64.exec(signature)?.[1];
  return base64 === undefined ? null : decodeBase64(base64);
}

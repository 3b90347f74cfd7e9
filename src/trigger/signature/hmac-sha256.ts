/** Plain HMAC-SHA256 of the body, in lower-case hex, with or without `sha256=` in front. It names neither time nor delivery. */
import { ok } from "../../core/result.ts";
import { readHeader, type Scheme } from "./claim.ts";
import { encodeText } from "./digest.ts";

const SIGNATURE = /^(?:sha256=)?[0-9a-f]{64}$/;
const HEX_DIGITS = 64;

/** The scheme with its signature in this header. */
export function hmacSha256In(header: string): Scheme {
  return {
    read(headers) {
      const signature = readHeader(headers, header, SIGNATURE, "64 lower-case hex digits");
      if (!signature.ok) return signature;
      const digests = [Uint8Array.fromHex(signature.value.slice(-HEX_DIGITS))];
      return ok({ digests, before: "", signedAt: null, deliveryId: () => null });
    },

    keyOf: encodeText,
  };
}

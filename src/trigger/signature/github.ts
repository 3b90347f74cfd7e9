/**
 * GitHub (docs.github.com, "Validating webhook deliveries"): the body is signed, in hex behind `sha256=`. The time is not. The
 * id of a delivery stays the same when it is delivered again; it is not signed, but nobody else knows ids of deliveries to come.
 */
import { ok } from "../../core/result.ts";
import { readHeader, type Scheme } from "./claim.ts";
import { encodeText } from "./digest.ts";

const PREFIX = "sha256=";
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

export const github: Scheme = {
  read(headers) {
    const signature = readHeader(headers, "x-hub-signature-256", SIGNATURE, "`sha256=` and 64 hex digits");
    if (!signature.ok) return signature;
    return ok({
      digests: [Uint8Array.fromHex(signature.value.slice(PREFIX.length))],
      before: "",
      signedAt: null,
      deliveryId: () => headers.get("x-github-delivery") || null,
    });
  },

  keyOf: encodeText,
};

/**
 * GitHub (docs.github.com, "Validating webhook deliveries"): the body is signed, in hex after
 * `sha256=`. Neither the time nor `x-github-delivery` is signed: an eavesdropper can send a
 * delivery again under any id, so only its bytes identify it.
 */
import { ok } from "../../domain/problem.ts";
import { readHeader, type Scheme } from "./claim.ts";
import { encodeText } from "./digest.ts";

const PREFIX = "sha256=";
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

/** The scheme of GitHub. */
export const github: Scheme = {
  read(headers) {
    const signature = readHeader(
      headers,
      "x-hub-signature-256",
      SIGNATURE,
      "`sha256=` and 64 hex digits",
    );
    if (!signature.ok) return signature;
    return ok({
      digests: [Uint8Array.fromHex(signature.value.slice(PREFIX.length))],
      before: "",
      signedAt: null,
      deliveryId: () => null,
    });
  },

  keyOf: encodeText,
};

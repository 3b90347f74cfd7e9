/**
 * Stripe (docs.stripe.com, "Verify webhook signatures manually"): `t.body` is signed, in hex, as
 * `v1` beside `t`. While its secret is rolled, Stripe sends a `v1` for each secret. The event's id
 * is the same in every repetition.
 */
import { ok } from "../../domain/problem.ts";
import { idInBody } from "./body-id.ts";
import { malformed, readHeader, type Scheme } from "./claim.ts";
import { encodeText } from "./digest.ts";

const HEADER = "stripe-signature";
const PAIRS = /^\w+=[\w+/=-]*(,\w+=[\w+/=-]*)*$/;
const FORM = "`t=SECONDS,v1=DIGEST`";

/** The scheme of Stripe. */
export const stripe: Scheme = {
  read(headers) {
    const header = readHeader(headers, HEADER, PAIRS, FORM);
    if (!header.ok) return header;
    const pairs = header.value.split(",");
    const times = pairs.flatMap((pair) => /^t=(\d{1,12})$/.exec(pair)?.[1] ?? []);
    const digests = pairs.flatMap((pair) => /^v1=([0-9a-f]{64})$/.exec(pair)?.[1] ?? []);
    const [seconds] = times;
    if (seconds === undefined || times.length > 1 || digests.length === 0)
      return { ok: false, problem: malformed(HEADER, FORM) };
    return ok({
      digests: digests.map((digest) => Uint8Array.fromHex(digest)),
      before: `${seconds}.`,
      signedAt: Number(seconds) * 1000,
      deliveryId: (body) => idInBody(body, "id"),
    });
  },

  // The key includes the prefix `whsec_`: Stripe's secrets look like those of Standard Webhooks,
  // but are not base64.
  keyOf: encodeText,
};

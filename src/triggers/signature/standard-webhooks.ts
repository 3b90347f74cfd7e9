/**
 * Standard Webhooks (https://www.standardwebhooks.com): `webhook-id.webhook-timestamp.body` is signed, in base64, under a secret
 * that is base64 itself, mostly written with `whsec_` in front. The id is signed, so it names the delivery.
 *
 * Its own library, `standardwebhooks`, takes bodies that are text only and has no tolerance to set; the tests sign with it.
 */
import { ok } from "../../domain/problem.ts";
import { malformed, readHeader, type Scheme } from "./claim.ts";
import { decodeBase64 } from "./digest.ts";

const ID = /^[^\s,]{1,255}$/;
const SECONDS = /^\d{1,12}$/;
/** Signatures of several versions and keys, apart by one space. */
const SIGNATURES = /^v\d+[a-z]?,[\w+/=-]+( v\d+[a-z]?,[\w+/=-]+)*$/;
const SECRET_PREFIX = "whsec_";
const VERSION = "v1,";

/** How senders begin the names of the three headers: as the specification says, and as Svix did before there was one. */
const PREFIX = "webhook-";
const SVIX_PREFIX = "svix-";
const HEADERS = ["id", "timestamp", "signature"] as const;

export const standardWebhooks: Scheme = {
  read(headers) {
    const prefix = prefixOf(headers);
    const id = readHeader(headers, `${prefix}id`, ID, "an id");
    if (!id.ok) return id;
    const seconds = readHeader(headers, `${prefix}timestamp`, SECONDS, "a time in seconds");
    if (!seconds.ok) return seconds;
    const form = "`v1,` and a digest in base64";
    const signatures = readHeader(headers, `${prefix}signature`, SIGNATURES, form);
    if (!signatures.ok) return signatures;
    const digests = signatures.value
      .split(" ")
      .filter((signature) => signature.startsWith(VERSION))
      .flatMap((signature) => decodeBase64(signature.slice(VERSION.length)) ?? []);
    if (digests.length === 0) return { ok: false, problem: malformed(`${prefix}signature`, form) };
    return ok({
      digests,
      before: `${id.value}.${seconds.value}.`,
      signedAt: Number(seconds.value) * 1000,
      deliveryId: () => id.value,
    });
  },

  keyOf: (secret) =>
    decodeBase64(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret),
};

/** Svix sends either kind, some of its customers both: all three are read by one spelling. */
function prefixOf(headers: Headers): string {
  const isThere = (prefix: string): boolean =>
    HEADERS.some((name) => headers.has(`${prefix}${name}`));
  return !isThere(PREFIX) && isThere(SVIX_PREFIX) ? SVIX_PREFIX : PREFIX;
}

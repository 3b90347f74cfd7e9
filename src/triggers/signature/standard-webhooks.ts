/**
 * Standard Webhooks (https://www.standardwebhooks.com): `webhook-id.webhook-timestamp.body` is
 * signed, in base64. The secret is base64 too, usually with the prefix `whsec_`. The id is signed,
 * so it names the delivery.
 *
 * The project's own library, `standardwebhooks`, takes only text bodies and has no setting for the
 * tolerance; the tests sign with it.
 */
import { ok } from "../../domain/problem.ts";
import { malformed, readHeader, type Scheme } from "./claim.ts";
import { decodeBase64 } from "./digest.ts";

const ID = /^[^\s,]{1,255}$/;
const SECONDS = /^\d{1,12}$/;
/** Signatures of several versions and keys, separated by a space. */
const SIGNATURES = /^v\d+[a-z]?,[\w+/=-]+( v\d+[a-z]?,[\w+/=-]+)*$/;
const SECRET_PREFIX = "whsec_";
const VERSION = "v1,";

/** Prefixes of the three headers: the specification's, and Svix's, which is older. */
const PREFIX = "webhook-";
const SVIX_PREFIX = "svix-";
const HEADERS = ["id", "timestamp", "signature"] as const;

/** The scheme of Standard Webhooks. */
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

/**
 * Svix sends either prefix, and some of its customers send both. All three headers are read with
 * one prefix.
 */
function prefixOf(headers: Headers): string {
  const isThere = (prefix: string): boolean =>
    HEADERS.some((name) => headers.has(`${prefix}${name}`));
  return !isThere(PREFIX) && isThere(SVIX_PREFIX) ? SVIX_PREFIX : PREFIX;
}

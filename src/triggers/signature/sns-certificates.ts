/**
 * SNS's signing certificates, each fetched from the address in a message: a `.pem` file below
 * `https://sns.REGION.amazonaws.com`. A certificate is trusted because it comes from there over
 * TLS, as in Amazon's own SDKs. A chain to Amazon's roots cannot be built, since SNS serves only
 * the leaf. In addition the certificate must name SNS, be in date, and have RSA with 2,048 bits at
 * least.
 *
 * Anyone who knows a topic can send any such address. So fetches are limited: few a minute in each
 * worker, each with a limit of time and size, and without redirects. A certificate that has
 * verified a message is kept for a day; unproven ones evict none of these.
 */
import { X509Certificate, type KeyObject } from "node:crypto";
import { ok, refuse, type Problem, type Result } from "../../domain/problem.ts";
import { collect } from "../../payloads/chunks.ts";
import { decodeUtf8Document } from "../../payloads/utf8.ts";
import { isOfSns, snsMismatch } from "./sns-address.ts";

const KEPT_AT_ONCE = 16;
const KEPT_MS = 86_400_000;
const FETCH_LIMIT_MS = 5_000;
const FETCHES_A_MINUTE = 10;
const MAX_BYTES = 64 * 1024;
const LEAST_BITS = 2048;
/** The certificate's name, as in `sns.amazonaws.com` and `sns-cn-north-1.amazonaws.com.cn`. */
const NAME_OF_SNS = /^sns([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?$/;

/** The key of a certificate. */
export interface SnsKey {
  readonly address: string;
  readonly key: KeyObject;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Fetches and caches the keys of certificates, for one isolate. */
export class SnsCertificates {
  readonly #kept = new Map<string, SnsKey>();
  /** Start times of recent fetches. */
  #fetches: number[] = [];

  /**
   * Returns the key of the certificate at `address`. Refuses with `signature_mismatch`, or with
   * `unavailable` if the certificate cannot be fetched now.
   */
  async keyAt(address: string, now: number): Promise<Result<SnsKey>> {
    const url = URL.canParse(address) ? new URL(address) : null;
    if (
      url === null ||
      !isOfSns(url) ||
      !url.pathname.endsWith(".pem") ||
      url.search !== "" ||
      url.hash !== ""
    )
      return refuse(snsMismatch("Its SigningCertURL is no address of a certificate of SNS."));
    const kept = this.#kept.get(url.href);
    if (kept !== undefined && kept.until > now) return ok(kept);
    this.#fetches = this.#fetches.filter((at) => at > now - 60_000);
    if (this.#fetches.length >= FETCHES_A_MINUTE) return refuse(UNREACHABLE);
    this.#fetches.push(now);
    const pem = await fetchPem(url);
    if (pem === null) return refuse(UNREACHABLE);
    const certificate = read(pem, now);
    if (certificate === null)
      return refuse(
        snsMismatch("Its SigningCertURL leads to no certificate of SNS that is valid now."),
      );
    const until = Math.min(now + KEPT_MS, Date.parse(certificate.validTo));
    return ok({ address: url.href, key: certificate.publicKey, until });
  }

  /** Keeps a key that has verified a message. */
  keep(found: SnsKey): void {
    const { address } = found;
    const [oldest] = this.#kept.keys();
    if (!this.#kept.has(address) && this.#kept.size >= KEPT_AT_ONCE && oldest !== undefined)
      this.#kept.delete(oldest);
    this.#kept.set(address, found);
  }
}

/** Null if the certificate cannot be fetched or is too large. */
async function fetchPem(url: URL): Promise<string | null> {
  try {
    const answer = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(FETCH_LIMIT_MS),
    });
    if (!answer.ok || answer.body === null) {
      await answer.body?.cancel();
      return null;
    }
    const pem = await collect(answer.body, MAX_BYTES, null);
    if (pem === null) await answer.body.cancel();
    return pem === null ? null : decodeUtf8Document(pem);
  } catch {
    return null;
  }
}

function read(pem: string, now: number): X509Certificate | null {
  try {
    const certificate = new X509Certificate(pem);
    const { publicKey, validFrom, validTo } = certificate;
    const isInDate = Date.parse(validFrom) <= now && now < Date.parse(validTo);
    const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
    const isFit = publicKey.asymmetricKeyType === "rsa" && bits >= LEAST_BITS;
    return isInDate && isFit && namesOf(certificate).some((name) => NAME_OF_SNS.test(name))
      ? certificate
      : null;
  } catch {
    return null;
  }
}

function namesOf({ subject, subjectAltName }: X509Certificate): string[] {
  const common = /(?:^|\n)CN=([^\n]+)/.exec(subject)?.[1];
  const others = [...(subjectAltName ?? "").matchAll(/DNS:([^,\s]+)/g)].flatMap(
    ([, name]) => name ?? [],
  );
  return common === undefined ? others : [common, ...others];
}

const UNREACHABLE: Problem = {
  code: "unavailable",
  detail: "The certificate of the message could not be fetched.",
  hint: "Nothing is to be done: SNS sends the message again.",
};

/** Who may call an endpoint, as peach.conf says it, with every default filled in. */

/** The signatures that a sender of webhooks may use. */
export const SIGNATURE_SCHEMES = [
  "standard-webhooks",
  "github",
  "stripe",
  "slack",
  "hmac-sha256",
  "sns",
] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** Schemes that sign the time too. Farther from now than the tolerance, in either direction, a delivery is stale. */
export const TIMED_SCHEMES = ["standard-webhooks", "stripe", "slack", "sns"] as const;
export type TimedScheme = (typeof TIMED_SCHEMES)[number];

/** What each of them defines, five minutes; SNS sends a message again with the time that it had. */
export const DEFAULT_TOLERANCE_MS: Readonly<Record<TimedScheme, number>> = {
  "standard-webhooks": 300_000,
  stripe: 300_000,
  slack: 300_000,
  sns: 3_600_000,
};

/** Where `hmac-sha256` looks unless peach.conf names another header. */
export const DEFAULT_HMAC_HEADER = "x-signature";

/** Messages of these topics (their ARNs), signed under a certificate of SNS: there is no secret. */
export interface SnsAuth {
  readonly type: "signature";
  readonly scheme: "sns";
  readonly topics: readonly string[];
  readonly toleranceMs: number;
}

/** `secret` names the variable that holds one secret, or several, comma separated. `header` is in lower case. */
export type HmacAuth = { readonly type: "signature"; readonly secret: string } & (
  | { readonly scheme: Exclude<TimedScheme, "sns">; readonly toleranceMs: number }
  | { readonly scheme: "github" }
  | { readonly scheme: "hmac-sha256"; readonly header: string }
);

export type SignatureAuth = HmacAuth | SnsAuth;

/** `none`: everybody. `token`: a token of the API that may trigger. */
export type EndpointAuth = { readonly type: "none" } | { readonly type: "token" } | SignatureAuth;

/** Whether this scheme signs the time. */
export function isTimed(scheme: SignatureScheme): scheme is TimedScheme {
  return TIMED_SCHEMES.some((timed) => timed === scheme);
}

/** Authentication of an endpoint, as in peach.conf with all defaults. */

/** Supported signature schemes of webhook senders. */
export const SIGNATURE_SCHEMES = [
  "standard-webhooks",
  "github",
  "stripe",
  "slack",
  "hmac-sha256",
  "sns",
] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/**
 * Schemes with a signed time. A delivery farther from now than the tolerance, in either direction,
 * is stale.
 */
export const TIMED_SCHEMES = ["standard-webhooks", "stripe", "slack", "sns"] as const;
export type TimedScheme = (typeof TIMED_SCHEMES)[number];

/** Tolerance defined by the schemes: five minutes. SNS repeats a message with its original time. */
export const DEFAULT_TOLERANCE_MS: Readonly<Record<TimedScheme, number>> = {
  "standard-webhooks": 300_000,
  stripe: 300_000,
  slack: 300_000,
  sns: 3_600_000,
};

/** Default header of `hmac-sha256`. */
export const DEFAULT_HMAC_HEADER = "x-signature";

/** Topic ARNs for messages signed under a certificate of SNS. The scheme has no secret. */
export interface SnsAuth {
  readonly type: "signature";
  readonly scheme: "sns";
  readonly topics: readonly string[];
  readonly toleranceMs: number;
}

/**
 * `secret` names the variable with one or several comma-separated secrets. `header` is in lower
 * case.
 */
export type HmacAuth = { readonly type: "signature"; readonly secret: string } & (
  | { readonly scheme: Exclude<TimedScheme, "sns">; readonly toleranceMs: number }
  | { readonly scheme: "github" }
  | { readonly scheme: "hmac-sha256"; readonly header: string }
);

export type SignatureAuth = HmacAuth | SnsAuth;

/** `none`: everybody. `token`: an API token with the right to trigger. */
export type EndpointAuth = { readonly type: "none" } | { readonly type: "token" } | SignatureAuth;

/** Tests whether the scheme signs the time. */
export function isTimed(scheme: SignatureScheme): scheme is TimedScheme {
  return TIMED_SCHEMES.some((timed) => timed === scheme);
}

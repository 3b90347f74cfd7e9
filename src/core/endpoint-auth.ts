/** Who may call an endpoint, as peach.conf says it, with every default filled in. */

/** The signatures that a sender of webhooks may use. */
export const SIGNATURE_SCHEMES = ["standard-webhooks", "github", "stripe", "slack", "hmac-sha256"] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** Schemes that sign the time too. Farther from now than the tolerance, in either direction, a delivery is stale. */
export const TIMED_SCHEMES = ["standard-webhooks", "stripe", "slack"] as const;
export type TimedScheme = (typeof TIMED_SCHEMES)[number];

/** What each of them defines: five minutes. */
export const DEFAULT_TOLERANCE_MS = 300_000;

/** Where `hmac-sha256` looks unless peach.conf names another header. */
export const DEFAULT_HMAC_HEADER = "x-signature";

/** `secret` names the variable that holds one secret, or several, comma separated. `header` is in lower case. */
export type SignatureAuth = { readonly type: "signature"; readonly secret: string } & (
  | { readonly scheme: TimedScheme; readonly toleranceMs: number }
  | { readonly scheme: "github" }
  | { readonly scheme: "hmac-sha256"; readonly header: string }
);

/** `none`: everybody. `token`: a token of the API that may trigger. */
export type EndpointAuth = { readonly type: "none" } | { readonly type: "token" } | SignatureAuth;

/** Whether this scheme signs the time. */
export function isTimed(scheme: SignatureScheme): scheme is TimedScheme {
  return TIMED_SCHEMES.some((timed) => timed === scheme);
}

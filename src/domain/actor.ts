/**
 * The authenticated sender of an HTTP request. A dashboard session acts as the token used at
 * log-in.
 * - `token`: an API token, by name.
 * - `access`: an identity vouched for by Cloudflare Access: an address, or the client id of a
 *   service token.
 */
export interface Actor {
  readonly kind: "token" | "access";
  readonly name: string;
}

/**
 * Returns a unique text per actor. Token names contain no colon, so the two kinds never collide.
 */
export function actorKey({ kind, name }: Actor): string {
  return kind === "token" ? name : `${kind}:${name}`;
}

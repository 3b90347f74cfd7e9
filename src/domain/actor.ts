/**
 * Who has asked for something over HTTP. A session of the dashboard acts as the token that was logged in with.
 * - `token`: an API token, by its name.
 * - `access`: an identity that Cloudflare Access vouches for: an address, or the client id of a service token.
 */
export interface Actor {
  readonly kind: "token" | "access";
  readonly name: string;
}

/** One text for each actor: the name of a token has no colon. */
export function actorKey({ kind, name }: Actor): string {
  return kind === "token" ? name : `${kind}:${name}`;
}

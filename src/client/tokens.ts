/** Calls about API tokens, for admins. */
import type { CallOptions, Connection } from "./connection.ts";
import type { CreatedToken, ListedToken } from "../contract/tokens.ts";
import { durationText, type DurationInput } from "./duration.ts";

export interface TokenOptions extends CallOptions {
  /**
   * Scopes of the token: `read`, `trigger`, `trigger:TASK+TASK`, `operate`, `admin`. Several scopes
   * add up.
   */
  readonly scopes: readonly string[];
  /** The lifetime of the token. Without it the token is valid until it is deleted. */
  readonly expiresIn?: DurationInput | undefined;
}

/** Calls about the API tokens of the deployment. */
export class TokenCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Lists the tokens, including configured ones. The list does not contain their values. */
  list({ signal }: CallOptions = {}): Promise<readonly ListedToken[]> {
    return this.#connection.list("tokens", { path: ["tokens"], signal });
  }

  /** Creates a token. Only this answer contains its value, which cannot be read again. */
  create(name: string, { scopes, expiresIn, signal }: TokenOptions): Promise<CreatedToken> {
    const goodFor = expiresIn === undefined ? {} : { expires_in: durationText(expiresIn) };
    const body = JSON.stringify({ name, scopes, ...goodFor });
    const headers = { "Content-Type": "application/json" };
    return this.#connection.json({ method: "POST", path: ["tokens"], headers, body, signal });
  }

  /**
   * Deletes a token, and ends the dashboard sessions that it began. Takes effect within 5 seconds.
   */
  delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#connection.delete(["tokens", name], signal);
  }
}

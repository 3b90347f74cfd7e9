/** The calls about API tokens, for admins. */
import type { CallOptions, Connection } from "./connection.ts";
import type { CreatedToken, ListedToken } from "../contract/tokens.ts";
import { durationText, type DurationInput } from "./duration.ts";

export interface TokenOptions extends CallOptions {
  /** What it may do: `read`, `trigger`, `trigger:TASK+TASK`, `operate`, `admin`; several add up. */
  readonly scopes: readonly string[];
  /** How long it is good for; absent: until it is deleted. */
  readonly expiresIn?: DurationInput | undefined;
}

/** The API tokens of the deployment. */
export class TokenCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Also those that are configured; none of them says what it is. */
  async list({ signal }: CallOptions = {}): Promise<readonly ListedToken[]> {
    const { tokens } = await this.#connection.json<{ tokens: ListedToken[] }>({
      path: ["tokens"],
      signal,
    });
    return tokens;
  }

  /** Makes one. It is in the answer, and nowhere else: it cannot be shown again. */
  create(name: string, { scopes, expiresIn, signal }: TokenOptions): Promise<CreatedToken> {
    const goodFor = expiresIn === undefined ? {} : { expires_in: durationText(expiresIn) };
    const body = JSON.stringify({ name, scopes, ...goodFor });
    const headers = { "Content-Type": "application/json" };
    return this.#connection.json({ method: "POST", path: ["tokens"], headers, body, signal });
  }

  /** Ends it within 5 seconds, and the sessions of the dashboard that it began. */
  async delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    const answer = await this.#connection.request({
      method: "DELETE",
      path: ["tokens", name],
      signal,
    });
    await answer.body?.cancel();
  }
}

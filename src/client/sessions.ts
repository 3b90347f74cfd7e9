/** Calls about sessions of the dashboard, for admins. */
import type { CallOptions, Connection } from "./connection.ts";
import type { ListedSession } from "../contract/sessions.ts";

/** Calls about sessions of the dashboard. */
export class SessionCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Lists the current sessions, newest first. */
  async list({ signal }: CallOptions = {}): Promise<readonly ListedSession[]> {
    const { sessions } = await this.#connection.json<{ sessions: ListedSession[] }>({
      path: ["sessions"],
      signal,
    });
    return sessions;
  }

  /** Ends a session: the browser is logged out everywhere within 5 seconds. */
  async end(id: string, { signal }: CallOptions = {}): Promise<void> {
    const answer = await this.#connection.request({
      method: "DELETE",
      path: ["sessions", id],
      signal,
    });
    await answer.body?.cancel();
  }
}

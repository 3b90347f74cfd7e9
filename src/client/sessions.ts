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
  list({ signal }: CallOptions = {}): Promise<readonly ListedSession[]> {
    return this.#connection.list("sessions", { path: ["sessions"], signal });
  }

  /** Ends a session: the browser is logged out everywhere within 5 seconds. */
  end(id: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#connection.delete(["sessions", id], signal);
  }
}

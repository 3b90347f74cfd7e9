/** All SQL of the identity object. */
import type { DashboardSession, MadeToken } from "../../domain/identity.ts";
import { parseSessionId, type SessionId } from "../../domain/ids.ts";
import { parseScope } from "../../domain/scope.ts";
import { numberIn, Tables, textIn, type Row, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

const READ_KEY = "SELECT key FROM deployment_key WHERE id = 1";
const KEEP_KEY = "INSERT INTO deployment_key (id, key, made_at) VALUES (1, ?, ?)";

const TOKEN_COLUMNS = "name, digest, scopes, created_at, created_by, expires_at, used_at";
const READ_TOKENS = `SELECT ${TOKEN_COLUMNS} FROM tokens ORDER BY name`;
const READ_TOKEN = `SELECT ${TOKEN_COLUMNS} FROM tokens WHERE name = ?`;
const KEEP_TOKEN = `INSERT INTO tokens (${TOKEN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`;
const DELETE_TOKEN = "DELETE FROM tokens WHERE name = ? RETURNING digest";
const USE_TOKEN = "UPDATE tokens SET used_at = ? WHERE name = ? AND coalesce(used_at, 0) <= ?";

const SESSION_COLUMNS = "id, token, token_id, address, created_at, seen_at, expires_at";
const IS_OPEN = "expires_at > ? AND seen_at > ?";
const READ_SESSIONS = `
  SELECT ${SESSION_COLUMNS} FROM sessions WHERE ${IS_OPEN} ORDER BY created_at DESC, id`;
const READ_SESSION = `SELECT ${SESSION_COLUMNS} FROM sessions WHERE id = ? AND ${IS_OPEN}`;
const KEEP_SESSION = `
  INSERT INTO sessions (${SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
const USE_SESSION = "UPDATE sessions SET seen_at = ? WHERE id = ? AND seen_at <= ?";
const END_SESSION = "DELETE FROM sessions WHERE id = ? RETURNING id";
const FORGET_SESSIONS = `DELETE FROM sessions WHERE NOT (${IS_OPEN})`;
const FORGET_OLDEST = `
  DELETE FROM sessions
  WHERE id IN (
    SELECT id FROM sessions WHERE token_id = ? ORDER BY seen_at DESC, id LIMIT -1 OFFSET ?
  )`;
const END_SESSIONS_OF = "DELETE FROM sessions WHERE token_id = ?";
const COUNT_SESSIONS = "SELECT count(*) AS sessions FROM sessions";

export class IdentityStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  /** Returns the deployment's key as hex; null before its creation. */
  deploymentKey(): string | null {
    const [row] = this.#tables.put(READ_KEY);
    return row === undefined ? null : textIn(row, "key");
  }

  /** Stores the key forever. Throws if a key exists. `madeAt`: epoch milliseconds. */
  keepDeploymentKey(key: string, madeAt: number): void {
    this.#tables.put(KEEP_KEY, key, madeAt);
  }

  /** Returns created tokens by name. */
  tokens(): MadeToken[] {
    return this.#tables.put(READ_TOKENS).map(tokenOf);
  }

  token(name: string): MadeToken | null {
    const [row] = this.#tables.put(READ_TOKEN, name);
    return row === undefined ? null : tokenOf(row);
  }

  /** Stores a token. Throws if the name is taken. */
  keepToken({ name, digest, scopes, createdAt, createdBy, expiresAt, usedAt }: MadeToken): void {
    this.#tables.put(
      KEEP_TOKEN,
      name,
      digest,
      scopes.join(),
      createdAt,
      createdBy,
      expiresAt,
      usedAt,
    );
  }

  /** Deletes a token and its sessions; false if absent. */
  deleteToken(name: string): boolean {
    const [deleted] = this.#tables.put(DELETE_TOKEN, name);
    if (deleted === undefined) return false;
    this.#tables.put(END_SESSIONS_OF, textIn(deleted, "digest"));
    return true;
  }

  /** Stores a use, unless a use after `unlessAfter` is stored. */
  useToken(name: string, now: number, unlessAfter: number): void {
    this.#tables.put(USE_TOKEN, now, name, unlessAfter);
  }

  /** Returns sessions that end after `now` and were seen after `seenAfter`, newest first. */
  sessions(now: number, seenAfter: number): DashboardSession[] {
    return this.#tables.put(READ_SESSIONS, now, seenAfter).flatMap((row) => sessionOf(row) ?? []);
  }

  session(id: SessionId, now: number, seenAfter: number): DashboardSession | null {
    const [row] = this.#tables.put(READ_SESSION, id, now, seenAfter);
    return row === undefined ? null : sessionOf(row);
  }

  /** Stores a session; an existing session stays as is. */
  keepSession(session: DashboardSession): void {
    const { id, token, tokenId, address, createdAt, seenAt, expiresAt } = session;
    this.#tables.put(KEEP_SESSION, id, token, tokenId, address, createdAt, seenAt, expiresAt);
  }

  /** Stores a use, unless a use after `unlessAfter` is stored. */
  useSession(id: SessionId, now: number, unlessAfter: number): void {
    this.#tables.put(USE_SESSION, now, id, unlessAfter);
  }

  /** Deletes a session; false if absent. */
  endSession(id: SessionId): boolean {
    return this.#tables.put(END_SESSION, id).length > 0;
  }

  /** Deletes the least recently seen sessions of the token beyond `most`. */
  limitSessions(tokenId: string, most: number): void {
    this.#tables.put(FORGET_OLDEST, tokenId, most);
  }

  /** Deletes expired sessions. Returns the number of sessions left. */
  forgetSessions(now: number, seenAfter: number): number {
    this.#tables.put(FORGET_SESSIONS, now, seenAfter);
    return Number(this.#tables.put(COUNT_SESSIONS)[0]?.["sessions"] ?? 0);
  }
}

function tokenOf(row: Row): MadeToken {
  return {
    name: textIn(row, "name"),
    digest: textIn(row, "digest"),
    // A scope of newer code grants nothing here.
    scopes: textIn(row, "scopes")
      .split(",")
      .flatMap((text) => parseScope(text) ?? []),
    createdAt: Number(row["created_at"]),
    createdBy: textIn(row, "created_by"),
    expiresAt: numberIn(row, "expires_at"),
    usedAt: numberIn(row, "used_at"),
  };
}

function sessionOf(row: Row): DashboardSession | null {
  const id = parseSessionId(textIn(row, "id"));
  if (id === null) return null;
  return {
    id,
    token: textIn(row, "token"),
    tokenId: textIn(row, "token_id"),
    address: textIn(row, "address"),
    createdAt: Number(row["created_at"]),
    seenAt: Number(row["seen_at"]),
    expiresAt: Number(row["expires_at"]),
  };
}

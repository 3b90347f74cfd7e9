/** Tables of the identity object. Migrations are append-only. */
import type { TableHistory } from "../tables.ts";

/** A single permanent row: 256 random bits as hex, made by the first question. */
const CREATE_DEPLOYMENT_KEY_TABLE = `
  CREATE TABLE deployment_key (
    id INTEGER PRIMARY KEY CONSTRAINT there_is_one CHECK (id = 1),
    key TEXT NOT NULL CONSTRAINT key_is_hex CHECK (length(key) = 64),
    made_at INTEGER NOT NULL
  ) STRICT`;

/**
 * API tokens by name. `digest`: an HMAC of the token's text, which is stored nowhere. `scopes`:
 * comma separated.
 */
const CREATE_TOKENS_TABLE = `
  CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL CONSTRAINT digest_is_hex CHECK (length(digest) = 64),
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    used_at INTEGER
  ) STRICT, WITHOUT ROWID`;

/**
 * Sessions of the dashboard. `id` is derived from the cookie, which is stored nowhere; `token_id`
 * names the token of the login.
 */
const CREATE_SESSIONS_TABLE = `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    token_id TEXT NOT NULL,
    address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT ends_after_it_begins CHECK (expires_at > created_at)
  ) STRICT, WITHOUT ROWID`;

export const TABLES: TableHistory = {
  what: "the identity object",
  table: "deployment_key",
  migrations: [[CREATE_DEPLOYMENT_KEY_TABLE], [CREATE_TOKENS_TABLE, CREATE_SESSIONS_TABLE]],
};

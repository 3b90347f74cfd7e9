/** The tables of the identity object. Migrations are append-only. */

/** One row for good: 256 random bits, as hex, made when somebody asks for them first. */
const CREATE_DEPLOYMENT_KEY_TABLE = `
  CREATE TABLE deployment_key (
    id INTEGER PRIMARY KEY CONSTRAINT there_is_one CHECK (id = 1),
    key TEXT NOT NULL CONSTRAINT key_is_hex CHECK (length(key) = 64),
    made_at INTEGER NOT NULL
  ) STRICT`;

/** The first one brings version 1. */
export const MIGRATIONS: readonly string[] = [CREATE_DEPLOYMENT_KEY_TABLE];

export const CREATE_SCHEMA_VERSIONS = `
  CREATE TABLE IF NOT EXISTS schema_versions (
    version INTEGER PRIMARY KEY CONSTRAINT version_is_positive CHECK (version > 0)
  ) STRICT`;

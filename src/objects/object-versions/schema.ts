/** Tables of an object that knows the versions of objects. */
import type { TableHistory } from "../tables.ts";

/**
 * A version has one row, and writes one row. The row outlives the runs of the version, so the row
 * has only a digest (`object`: of key and etag) and times. `identity` names the runs: the time of
 * the notification, or `version` and R2's version if a listing came first. The second source later
 * fills the other half of the row (`event_time`, or `version`).
 */
const CREATE_VERSIONS_TABLE = `
  CREATE TABLE versions (
    object TEXT NOT NULL CONSTRAINT object_is_a_digest CHECK (length(object) = 64),
    identity TEXT NOT NULL,
    event_time TEXT,
    version TEXT,
    uploaded_at INTEGER,
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (object, identity),
    CONSTRAINT met_one_way_or_the_other CHECK (event_time IS NOT NULL OR version IS NOT NULL),
    CONSTRAINT version_has_its_time CHECK ((version IS NULL) = (uploaded_at IS NULL))
  ) STRICT, WITHOUT ROWID`;

/** Migrations, from version 1 on. */
export const TABLES: TableHistory = {
  what: "the object of versions",
  table: "versions",
  migrations: [[CREATE_VERSIONS_TABLE]],
};

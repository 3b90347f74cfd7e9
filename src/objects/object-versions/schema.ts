/** The tables of an object that knows the versions of objects. */
import type { TableHistory } from "../../platform/tables.ts";

/**
 * One row for each version, one row written. It outlives the runs of the version, so it says nothing of the object but a digest
 * (`object`: of key and etag) and times. `identity` is what runs are named by: the time of the notification, or `version` and
 * R2's version if a listing was first. A row gets its other half (`event_time`, or `version`) when the other way of meeting it is known.
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

/** The first one brings version 1. */
export const TABLES: TableHistory = {
  what: "the object of versions",
  table: "versions",
  migrations: [[CREATE_VERSIONS_TABLE]],
};

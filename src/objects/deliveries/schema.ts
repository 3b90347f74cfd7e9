/** Tables of the object that keeps the deliveries of an endpoint. */
import type { TableHistory } from "../tables.ts";

/**
 * Recorded deliveries rotate through a fixed number of slots: a record writes one row, and nothing
 * is deleted to make room. `seq` counts all deliveries; `until` is the end of the retention;
 * `entry` is the delivery as JSON without the bytes of its body.
 */
const CREATE_DELIVERIES = `
  CREATE TABLE deliveries (
    slot INTEGER PRIMARY KEY CONSTRAINT slot_is_not_negative CHECK (slot >= 0),
    seq INTEGER NOT NULL CONSTRAINT seq_is_positive CHECK (seq > 0),
    id TEXT NOT NULL CONSTRAINT id_is_of_a_delivery CHECK (id GLOB 'dlv_*'),
    at INTEGER NOT NULL,
    until INTEGER NOT NULL CONSTRAINT kept_after_it_came CHECK (until >= at),
    entry TEXT NOT NULL,
    body BLOB NOT NULL
  ) STRICT`;

/**
 * Refused requests have slots of their own, so that refusals never displace admitted deliveries.
 * One row stands for all refusals of one reason from one address, and keeps the last of them.
 */
const CREATE_REFUSED = `
  CREATE TABLE refused (
    slot INTEGER PRIMARY KEY CONSTRAINT slot_is_not_negative CHECK (slot >= 0),
    seq INTEGER NOT NULL CONSTRAINT seq_is_positive CHECK (seq > 0),
    reason TEXT NOT NULL,
    address TEXT NOT NULL,
    id TEXT NOT NULL CONSTRAINT id_is_of_a_delivery CHECK (id GLOB 'dlv_*'),
    count INTEGER NOT NULL CONSTRAINT count_is_positive CHECK (count > 0),
    first_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL CONSTRAINT kept_after_it_came CHECK (until >= at),
    entry TEXT NOT NULL,
    body BLOB NOT NULL
  ) STRICT`;

/**
 * Signed deliveries by digest. `status` is the status of the answer; null: the holder of `token` is
 * answering, at most until `until`. The answer is deleted with the retention of runs
 * (`answer_until`), the digest after a week.
 */
const CREATE_SIGNED = `
  CREATE TABLE signed (
    digest TEXT PRIMARY KEY CONSTRAINT digest_is_sha256 CHECK (length(digest) = 64),
    token TEXT NOT NULL,
    until INTEGER NOT NULL,
    status INTEGER,
    answer TEXT,
    answer_until INTEGER,
    CONSTRAINT an_answer_has_a_status CHECK (answer IS NULL OR status IS NOT NULL),
    CONSTRAINT an_answer_has_an_end CHECK ((answer IS NULL) = (answer_until IS NULL))
  ) STRICT, WITHOUT ROWID`;

/**
 * Callers of an endpoint with a `rate_limit`, by digest. `taken`: the taken places as JSON;
 * `until`: the time when the last place comes free.
 */
const CREATE_CALLERS = `
  CREATE TABLE callers (
    digest TEXT PRIMARY KEY CONSTRAINT digest_is_sha256 CHECK (length(digest) = 64),
    until INTEGER NOT NULL,
    taken TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`;

export const TABLES: TableHistory = {
  what: "the object of deliveries",
  table: "deliveries",
  migrations: [[CREATE_DELIVERIES], [CREATE_REFUSED, CREATE_SIGNED], [CREATE_CALLERS]],
};

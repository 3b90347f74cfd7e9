/** The tables of the object that keeps the deliveries of an endpoint. */
import type { TableHistory } from "../../platform/tables.ts";

/**
 * Recorded deliveries take turns on a fixed number of slots, so that keeping one is one row written, and none is deleted to make
 * room. `seq` counts all of them; `until` is how long it is kept; `entry` is
 * the delivery as JSON but for the bytes of its body.
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
 * Refused requests have slots of their own: whoever is refused pushes out nothing that was let in. One row stands for all of one
 * reason from one address; what it keeps is the last of them.
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
 * What was signed, by its digest. `status` is that of the answer; null: it is being answered by the holder of `token`, until `until`
 * at the longest. An answer goes with the retention of runs (`answer_until`), the digest stays for its week.
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

/** Callers of an endpoint that has a `rate_limit`, by digest: the places that each has taken, as JSON; `until` the last comes free. */
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

/** The tables of the object that keeps the deliveries of an endpoint. */
import type { TableHistory } from "../platform/tables.ts";

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

/** The first one brings version 1. */
export const TABLES: TableHistory = {
  what: "the object of deliveries",
  table: "deliveries",
  migrations: [[CREATE_DELIVERIES]],
};

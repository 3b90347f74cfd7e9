/** All SQL of the object that keeps the deliveries of an endpoint: a ring of the last ones. */
import { type Delivery, KEPT_DELIVERIES } from "../core/delivery.ts";
import type { DeliveryId } from "../core/ids.ts";
import { Tables } from "../platform/tables.ts";
import { TABLES } from "./schema.ts";

const READ_LAST_SEQ = "SELECT coalesce(max(seq), 0) AS seq FROM deliveries";
const READ_NEXT = "SELECT until, until - at AS kept FROM deliveries ORDER BY until LIMIT 1";
const HAS = "SELECT 1 AS present FROM deliveries WHERE id = ?";
const RECORD = `
  INSERT INTO deliveries (slot, seq, id, at, until, entry, body) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (slot) DO UPDATE
  SET seq = excluded.seq, id = excluded.id, at = excluded.at, until = excluded.until, entry = excluded.entry,
    body = excluded.body`;
const LIST = "SELECT seq, entry, body FROM deliveries WHERE until > ? AND seq < ? ORDER BY seq DESC LIMIT ?";
const READ = "SELECT seq, entry, body FROM deliveries WHERE id = ? AND until > ?";
const DELETE_OLD = "DELETE FROM deliveries WHERE until <= ?";

/** What stands in `entry`: a delivery without the bytes, which have a column of their own. */
type Entry = Omit<Delivery, "body"> & { readonly body: Omit<Delivery["body"], "bytes"> };

export class DeliveryStore {
  readonly #storage: DurableObjectStorage;
  readonly #tables: Tables;
  /** The last number given; undefined until it is read. */
  #lastSeq: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#tables = new Tables(storage, TABLES);
  }

  /** Keeps it in the place of the oldest, until that time (epoch ms). False if it is there already. */
  record(delivery: Delivery, until: number): boolean {
    const seq = this.#open() + 1;
    const { sql } = this.#storage;
    if (sql.exec(HAS, delivery.id).toArray().length > 0) return false;
    const { bytes, ...body } = delivery.body;
    const entry: Entry = { ...delivery, body };
    const slot = seq % KEPT_DELIVERIES;
    sql.exec(RECORD, slot, seq, delivery.id, delivery.at, until, JSON.stringify(entry), bytes);
    this.#lastSeq = seq;
    return true;
  }

  /** At most `limit` that are kept beyond `now` (epoch ms) and have a number below `before`; newest first. */
  list(limit: number, before: number, now: number): { readonly seq: number; readonly delivery: Delivery }[] {
    if (!this.#tables.areThere()) return [];
    return this.#storage.sql
      .exec(LIST, now, before, limit)
      .toArray()
      .map((row) => ({ seq: Number(row["seq"]), delivery: deliveryIn(row) }));
  }

  /** The one of this id, if it is kept beyond `now`. */
  read(id: DeliveryId, now: number): Delivery | null {
    if (!this.#tables.areThere()) return null;
    const [row] = this.#storage.sql.exec(READ, id, now).toArray();
    return row === undefined ? null : deliveryIn(row);
  }

  /** Deletes what was kept long enough. Returns until when the next of the rest is kept, and for how long in all; null: nothing is left. */
  deleteOld(now: number): { readonly until: number; readonly keptMs: number } | null {
    if (!this.#tables.areThere()) return null;
    this.#storage.sql.exec(DELETE_OLD, now);
    const [next] = this.#storage.sql.exec(READ_NEXT).toArray();
    return next === undefined ? null : { until: Number(next["until"]), keptMs: Number(next["kept"]) };
  }

  /** Deletes everything, the alarm included. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
    this.#tables.deleted();
    this.#lastSeq = undefined;
  }

  /** Makes the tables if there are none. Returns the last number given. */
  #open(): number {
    this.#tables.make();
    return (this.#lastSeq ??= Number(this.#storage.sql.exec(READ_LAST_SEQ).one()["seq"]));
  }
}

/** The one row mapping of this store: entries are written by `record` alone, as JSON of this type. */
function deliveryIn(row: Record<string, SqlStorageValue>): Delivery {
  const text = typeof row["entry"] === "string" ? row["entry"] : "";
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const entry = JSON.parse(text) as Entry;
  const bytes = row["body"] instanceof ArrayBuffer ? new Uint8Array(row["body"]) : new Uint8Array(0);
  return { ...entry, body: { ...entry.body, bytes } };
}

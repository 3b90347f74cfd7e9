/**
 * The SQL of the object that keeps the deliveries of an endpoint: a ring of the last ones that were let in, and one of those that were
 * refused. They share their numbers, so that both are listed in order.
 */
import {
  type Delivery,
  type DeliveryFilter,
  KEPT_DELIVERIES,
  KEPT_REFUSED,
  type ListedDelivery,
  type NextDue,
  type RefusedRequests,
} from "../../domain/delivery.ts";
import type { DeliveryId } from "../../domain/ids.ts";
import type { Tables } from "../../platform/tables.ts";

const READ_LAST_ADMITTED = "SELECT seq, slot FROM deliveries ORDER BY seq DESC LIMIT 1";
const READ_LAST_REFUSED = "SELECT seq FROM refused ORDER BY seq DESC LIMIT 1";
const READ_NEXT = `
  SELECT until, until - at AS kept FROM (SELECT until, at FROM deliveries UNION ALL SELECT until, at FROM refused)
  ORDER BY until LIMIT 1`;
const HAS = "SELECT 1 AS present FROM deliveries WHERE id = ?";
const RECORD = `
  INSERT INTO deliveries (slot, seq, id, at, until, entry, body) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (slot) DO UPDATE
  SET seq = excluded.seq, id = excluded.id, at = excluded.at, until = excluded.until, entry = excluded.entry,
    body = excluded.body`;
const FIND_REFUSED = "SELECT slot, id FROM refused WHERE reason = ? AND address = ?";
const CHOOSE_REFUSED_SLOT = `
  SELECT CASE WHEN count(*) < ? THEN coalesce(max(slot), -1) + 1
    ELSE (SELECT slot FROM refused ORDER BY seq LIMIT 1) END AS slot
  FROM refused`;
const IS_SAME_GROUP = `
  refused.reason = excluded.reason AND refused.address = excluded.address AND refused.until > excluded.at`;
const REFUSE = `
  INSERT INTO refused (slot, seq, reason, address, id, count, first_at, at, until, entry, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (slot) DO UPDATE
  SET seq = excluded.seq, reason = excluded.reason, address = excluded.address, id = excluded.id,
    count = excluded.count + CASE WHEN ${IS_SAME_GROUP} THEN refused.count ELSE 0 END,
    first_at = CASE WHEN ${IS_SAME_GROUP} THEN refused.first_at ELSE excluded.first_at END,
    at = excluded.at, until = excluded.until, entry = excluded.entry, body = excluded.body`;
const ADMITTED =
  "SELECT seq, id, until, entry, body, NULL AS address, NULL AS count, NULL AS first_at FROM deliveries";
const REFUSED = "SELECT seq, id, until, entry, body, address, count, first_at FROM refused";
const FROM: Readonly<Record<DeliveryFilter, string>> = {
  admitted: ADMITTED,
  refused: REFUSED,
  all: `${ADMITTED} UNION ALL ${REFUSED}`,
};
const COLUMNS = "seq, entry, body, address, count, first_at";
const LIST = (filter: DeliveryFilter): string =>
  `SELECT ${COLUMNS} FROM (${FROM[filter]}) WHERE until > ? AND seq < ? ORDER BY seq DESC LIMIT ?`;
const READ = `SELECT ${COLUMNS} FROM (${FROM.all}) WHERE id = ? AND until > ?`;
const DELETE_OLD = "DELETE FROM deliveries WHERE until <= ?";
const DELETE_OLD_REFUSED = "DELETE FROM refused WHERE until <= ?";

/** What stands in `entry`: a delivery without the bytes, which have a column of their own. */
type Entry = Omit<Delivery, "body"> & { readonly body: Omit<Delivery["body"], "bytes"> };

/** The last numbers that were given. */
interface Last {
  readonly seq: number;
  readonly slot: number;
}

export class DeliveryStore {
  readonly #storage: DurableObjectStorage;
  readonly #tables: Tables;
  /** Undefined until they are read. */
  #last: Last | undefined;

  constructor(storage: DurableObjectStorage, tables: Tables) {
    this.#storage = storage;
    this.#tables = tables;
  }

  /** Keeps it in the place of the oldest, until that time (epoch ms). False if it is there already. */
  record(delivery: Delivery, until: number): boolean {
    const last = this.#open();
    const { sql } = this.#storage;
    if (sql.exec(HAS, delivery.id).toArray().length > 0) return false;
    const { entry, bytes } = entryOf(delivery);
    const seq = last.seq + 1;
    const slot = (last.slot + 1) % KEPT_DELIVERIES;
    sql.exec(RECORD, slot, seq, delivery.id, delivery.at, until, entry, bytes);
    this.#last = { seq, slot };
    return true;
  }

  /**
   * Keeps a refused one in the place of the last of its reason and address, else in that of the oldest group, and counts it. False if
   * it is there already.
   */
  refuse(
    delivery: Delivery,
    until: number,
    { address, count }: Pick<RefusedRequests, "address" | "count">,
  ): boolean {
    const last = this.#open();
    const { sql } = this.#storage;
    const { id, at } = delivery;
    const reason = delivery.reason ?? "";
    const [known] = sql.exec(FIND_REFUSED, reason, address).toArray();
    if (known?.["id"] === id) return false;
    const slot = Number((known ?? sql.exec(CHOOSE_REFUSED_SLOT, KEPT_REFUSED).one())["slot"]);
    const { entry, bytes } = entryOf(delivery);
    const seq = last.seq + 1;
    sql.exec(REFUSE, slot, seq, reason, address, id, count, at, at, until, entry, bytes);
    this.#last = { ...last, seq };
    return true;
  }

  /** At most `limit` that are kept beyond `now` (epoch ms) and have a number below `before`; newest first. */
  list(
    limit: number,
    before: number,
    filter: DeliveryFilter,
    now: number,
  ): { readonly seq: number; readonly listed: ListedDelivery }[] {
    if (!this.#tables.areThere()) return [];
    return this.#storage.sql
      .exec(LIST(filter), now, before, limit)
      .toArray()
      .map((row) => ({ seq: Number(row["seq"]), listed: listedIn(row) }));
  }

  /** The one of this id, if it is kept beyond `now`. */
  read(id: DeliveryId, now: number): Delivery | null {
    if (!this.#tables.areThere()) return null;
    const [row] = this.#storage.sql.exec(READ, id, now).toArray();
    return row === undefined ? null : listedIn(row).delivery;
  }

  /** Deletes what was kept long enough. Returns what of the rest is due next; null: nothing is left. */
  deleteOld(now: number): NextDue | null {
    if (!this.#tables.areThere()) return null;
    const { sql } = this.#storage;
    sql.exec(DELETE_OLD, now);
    sql.exec(DELETE_OLD_REFUSED, now);
    const [row] = sql.exec(READ_NEXT).toArray();
    return row === undefined ? null : { until: Number(row["until"]), keptMs: Number(row["kept"]) };
  }

  /** Deletes everything, the alarm included. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
    this.#tables.deleted();
    this.#last = undefined;
  }

  /** Makes the tables if there are none. Returns the last numbers given. */
  #open(): Last {
    this.#tables.make();
    return (this.#last ??= this.#readLast());
  }

  #readLast(): Last {
    const { sql } = this.#storage;
    const [admitted] = sql.exec(READ_LAST_ADMITTED).toArray();
    const [refused] = sql.exec(READ_LAST_REFUSED).toArray();
    return {
      seq: Math.max(Number(admitted?.["seq"] ?? 0), Number(refused?.["seq"] ?? 0)),
      slot: Number(admitted?.["slot"] ?? -1),
    };
  }
}

function entryOf(delivery: Delivery): { readonly entry: string; readonly bytes: Uint8Array } {
  const { bytes, ...body } = delivery.body;
  const entry: Entry = { ...delivery, body };
  return { entry: JSON.stringify(entry), bytes };
}

/** The one row mapping of this store: entries are written by `record` and `refuse` alone, as JSON of this type. */
function listedIn(row: Record<string, SqlStorageValue>): ListedDelivery {
  const text = typeof row["entry"] === "string" ? row["entry"] : "";
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const entry = JSON.parse(text) as Entry;
  const bytes =
    row["body"] instanceof ArrayBuffer ? new Uint8Array(row["body"]) : new Uint8Array(0);
  const { address, count, first_at: firstAt } = row;
  return {
    delivery: { ...entry, body: { ...entry.body, bytes } },
    refused:
      typeof address === "string"
        ? { address, count: Number(count), firstAt: Number(firstAt) }
        : null,
  };
}

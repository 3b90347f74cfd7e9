/**
 * SQL of the object that keeps the deliveries of an endpoint: a ring of admitted deliveries and a
 * ring of refused ones. Both share one sequence of numbers, so that a list shows both in order.
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
import { jsonIn, type Row, type Tables } from "../tables.ts";

const READ_LAST_ADMITTED = "SELECT seq, slot FROM deliveries ORDER BY seq DESC LIMIT 1";
const READ_LAST_REFUSED = "SELECT seq FROM refused ORDER BY seq DESC LIMIT 1";
const READ_NEXT = `
  SELECT until, until - at AS kept
    FROM (SELECT until, at FROM deliveries UNION ALL SELECT until, at FROM refused)
  ORDER BY until LIMIT 1`;
const HAS = "SELECT 1 AS present FROM deliveries WHERE id = ?";
const RECORD = `
  INSERT INTO deliveries (slot, seq, id, at, until, entry, body) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (slot) DO UPDATE
  SET seq = excluded.seq, id = excluded.id, at = excluded.at, until = excluded.until,
    entry = excluded.entry, body = excluded.body`;
const FIND_REFUSED = "SELECT slot, id FROM refused WHERE reason = ? AND address = ?";
const CHOOSE_REFUSED_SLOT = `
  SELECT CASE WHEN count(*) < ? THEN coalesce(max(slot), -1) + 1
    ELSE (SELECT slot FROM refused ORDER BY seq LIMIT 1) END AS slot
  FROM refused`;
const IS_SAME_GROUP = `
  refused.reason = excluded.reason AND refused.address = excluded.address
    AND refused.until > excluded.at`;
const REFUSE = `
  INSERT INTO refused (slot, seq, reason, address, id, count, first_at, at, until, entry, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (slot) DO UPDATE
  SET seq = excluded.seq, reason = excluded.reason, address = excluded.address, id = excluded.id,
    count = excluded.count + CASE WHEN ${IS_SAME_GROUP} THEN refused.count ELSE 0 END,
    first_at = CASE WHEN ${IS_SAME_GROUP} THEN refused.first_at ELSE excluded.first_at END,
    at = excluded.at, until = excluded.until, entry = excluded.entry, body = excluded.body`;
const ADMITTED = `
  SELECT seq, id, until, entry, body, NULL AS address, NULL AS count, NULL AS first_at
  FROM deliveries`;
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

/** Stored form of a delivery; the bytes of the body have a column of their own. */
type Entry = Omit<Delivery, "body"> & { readonly body: Omit<Delivery["body"], "bytes"> };

/** Last numbers in use. */
interface Last {
  readonly seq: number;
  readonly slot: number;
}

export class DeliveryStore {
  readonly #tables: Tables;
  /** Undefined before the first read. */
  #last: Last | undefined;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /**
   * Stores a delivery in place of the oldest, until that time (epoch ms). False if the delivery is
   * stored already.
   */
  record(delivery: Delivery, until: number): boolean {
    const last = this.#open();
    if (this.#tables.rows(HAS, delivery.id).length > 0) return false;
    const { entry, bytes } = entryOf(delivery);
    const seq = last.seq + 1;
    const slot = (last.slot + 1) % KEPT_DELIVERIES;
    this.#tables.put(RECORD, slot, seq, delivery.id, delivery.at, until, entry, bytes);
    this.#last = { seq, slot };
    return true;
  }

  /**
   * Stores and counts a refused delivery, in place of the last one of its reason and address, or
   * else of the oldest group. False if the delivery is stored already.
   */
  refuse(
    delivery: Delivery,
    until: number,
    { address, count }: Pick<RefusedRequests, "address" | "count">,
  ): boolean {
    const last = this.#open();
    const { id, at } = delivery;
    const reason = delivery.reason ?? "";
    const [known] = this.#tables.rows(FIND_REFUSED, reason, address);
    if (known?.["id"] === id) return false;
    const [free = {}] =
      known === undefined ? this.#tables.rows(CHOOSE_REFUSED_SLOT, KEPT_REFUSED) : [known];
    const slot = Number(free["slot"]);
    const { entry, bytes } = entryOf(delivery);
    const seq = last.seq + 1;
    this.#tables.put(REFUSE, slot, seq, reason, address, id, count, at, at, until, entry, bytes);
    this.#last = { ...last, seq };
    return true;
  }

  /**
   * Returns at most `limit` deliveries that are kept beyond `now` (epoch ms), with numbers below
   * `before`, newest first.
   */
  list(
    limit: number,
    before: number,
    filter: DeliveryFilter,
    now: number,
  ): { readonly seq: number; readonly listed: ListedDelivery }[] {
    return this.#tables
      .rows(LIST(filter), now, before, limit)
      .map((row) => ({ seq: Number(row["seq"]), listed: listedIn(row) }));
  }

  /** Returns the delivery of this id, if kept beyond `now`. */
  read(id: DeliveryId, now: number): Delivery | null {
    const [row] = this.#tables.rows(READ, id, now);
    return row === undefined ? null : listedIn(row).delivery;
  }

  /** Deletes expired rows. Returns the next expiry; null without rows. */
  deleteOld(now: number): NextDue | null {
    this.#tables.rows(DELETE_OLD, now);
    this.#tables.rows(DELETE_OLD_REFUSED, now);
    const [row] = this.#tables.rows(READ_NEXT);
    return row === undefined ? null : { until: Number(row["until"]), keptMs: Number(row["kept"]) };
  }

  /** Deletes all rows and the alarm. */
  async deleteAll(): Promise<void> {
    await this.#tables.deleteAll();
    this.#last = undefined;
  }

  /** Makes missing tables. Returns the last numbers. */
  #open(): Last {
    this.#tables.make();
    return (this.#last ??= this.#readLast());
  }

  #readLast(): Last {
    const [admitted] = this.#tables.rows(READ_LAST_ADMITTED);
    const [refused] = this.#tables.rows(READ_LAST_REFUSED);
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

/**
 * Row mapping; only `record` and `refuse` write entries, as JSON of this
 * type.
 */
function listedIn(row: Row): ListedDelivery {
  const entry: Entry = jsonIn(row, "entry");
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

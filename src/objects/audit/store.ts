/** All SQL of the object of the audit. */
import {
  MANY_ADDRESSES,
  type AuditEntry,
  type AuditFilter,
  type AuditPage,
} from "../../domain/audit-entry.ts";
import { Tables } from "../tables.ts";
import { TABLES } from "./schema.ts";

const APPEND = "INSERT INTO entries (at, who, what, entry) VALUES (?, ?, ?, ?) RETURNING seq";
const COUNT_AGAIN = `
  UPDATE entries
  SET entry = json_set(entry, '$.count', json_extract(entry, '$.count') + ?1, '$.lastAt', ?2)
  WHERE seq = ?3`;
const COUNT_SINCE = `
  SELECT who, json_extract(entry, '$.status') >= 400 AS refused, count(*) AS entries FROM entries
  WHERE seq > ?1 AND at >= ?2 GROUP BY who, refused`;
const MERGED_SINCE = `
  SELECT seq, entry FROM entries
  WHERE seq > ?1 AND at >= ?2 AND json_extract(entry, '$.from') = '${MANY_ADDRESSES}' ORDER BY seq`;
const READ_BOUNDS =
  "SELECT coalesce(min(seq), 0) AS first, coalesce(max(seq), 0) AS last FROM entries";
/** Finds a merged entry by the last time; `at` is the first time. */
const LIST = `
  SELECT seq, entry FROM entries
  WHERE seq >= ?1 AND seq < ?2 AND (at >= ?3 OR json_extract(entry, '$.lastAt') >= ?3)
    AND (?4 IS NULL OR who = ?4) AND (?5 IS NULL OR what = ?5)
  ORDER BY seq DESC LIMIT ?6`;
const DELETE_OLD = "DELETE FROM entries WHERE seq < ?1 AND (at < ?2 OR seq <= ?3)";
const HAS_ENTRY = "SELECT 1 AS present FROM entries LIMIT 1";

/** Limit of entries read for one page: a rare match takes several pages, and no page takes long. */
const LOOKED_THROUGH = 50_000;
/** Limit of entries checked in one deletion. */
const DELETED_AT_ONCE = 10_000;

export interface EntriesSince {
  readonly counts: readonly {
    readonly who: string;
    readonly isRefused: boolean;
    readonly entries: number;
  }[];
  readonly merged: readonly { readonly seq: number; readonly entry: AuditEntry }[];
}

export class AuditStore {
  readonly #storage: DurableObjectStorage;
  readonly #tables: Tables;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#tables = new Tables(storage, TABLES);
  }

  /** Writes in one transaction. */
  together(work: () => void): void {
    this.#tables.make();
    this.#storage.transactionSync(work);
  }

  /** Appends an entry. Returns its number. */
  append(entry: AuditEntry): number {
    const { at, who, what } = entry;
    return Number(
      this.#storage.sql.exec(APPEND, at, who, what, JSON.stringify(entry)).one()["seq"],
    );
  }

  /** Adds entries to the merged entry with this number. */
  countAgain(seq: number, { at, lastAt = at, count }: AuditEntry): void {
    this.#storage.sql.exec(COUNT_AGAIN, count, lastAt, seq);
  }

  /**
   * Reads the state since that time from the newest entries: counts by actor, and merged entries,
   * oldest first.
   */
  since(at: number): EntriesSince {
    const { sql } = this.#storage;
    const after = Number(sql.exec(READ_BOUNDS).one()["last"]) - LOOKED_THROUGH;
    const counts = sql.exec(COUNT_SINCE, after, at).toArray();
    const merged = sql.exec(MERGED_SINCE, after, at).toArray();
    return {
      counts: counts.map(({ who, refused, entries }) => ({
        who: typeof who === "string" ? who : "",
        isRefused: refused === 1,
        entries: Number(entries),
      })),
      merged: merged.map((row) => ({ seq: Number(row["seq"]), entry: entryIn(row) })),
    };
  }

  /** Returns matching entries: the newest, or the ones with a number below `before`. */
  list({ who, what, since = 0 }: AuditFilter, limit: number, before: number | null): AuditPage {
    if (!this.#tables.areThere()) return { entries: [], next: null };
    const { sql } = this.#storage;
    const { first, last } = sql.exec(READ_BOUNDS).one();
    const end = before ?? Number(last) + 1;
    const start = end - LOOKED_THROUGH;
    const rows = sql.exec(LIST, start, end, since, who ?? null, what ?? null, limit).toArray();
    const isFull = rows.length === limit;
    const next = isFull ? Number(rows.at(-1)?.["seq"]) : start;
    return { entries: rows.map(entryIn), next: next > Number(first) ? next : null };
  }

  /**
   * Deletes, among the oldest `DELETED_AT_ONCE`, entries from before `before` (epoch ms) and
   * entries beyond `most`. `isAll`: nothing more is due. `isEmpty`: no entries are left.
   */
  deleteOld(before: number, most: number): { readonly isAll: boolean; readonly isEmpty: boolean } {
    if (!this.#tables.areThere()) return { isAll: true, isEmpty: true };
    const { sql } = this.#storage;
    const { first, last } = sql.exec(READ_BOUNDS).one();
    const { rowsWritten } = sql.exec(
      DELETE_OLD,
      Number(first) + DELETED_AT_ONCE,
      before,
      Number(last) - most,
    );
    return { isAll: rowsWritten === 0, isEmpty: sql.exec(HAS_ENTRY).toArray().length === 0 };
  }
}

/** Row mapping; only `append` writes entries, as JSON. */
function entryIn(row: Record<string, SqlStorageValue>): AuditEntry {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(typeof row["entry"] === "string" ? row["entry"] : "{}") as AuditEntry;
}

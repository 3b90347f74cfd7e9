/** All SQL of the object of the audit. */
import {
  MANY_ADDRESSES,
  type AuditEntry,
  type AuditFilter,
  type AuditPage,
} from "../../domain/audit-entry.ts";
import { jsonIn, Tables, textIn, type Row, type RowStorage } from "../tables.ts";
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
    AND (?6 IS NULL OR instr(json_extract(entry, '$.on'), ?6) > 0)
  ORDER BY seq DESC LIMIT ?7`;
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
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  /** Writes in one transaction. */
  together(work: () => void): void {
    this.#tables.atOnce(work);
  }

  /** Appends an entry. Returns its number. */
  append(entry: AuditEntry): number {
    const { at, who, what } = entry;
    const [row] = this.#tables.put(APPEND, at, who, what, JSON.stringify(entry));
    return Number(row?.["seq"]);
  }

  /** Adds entries to the merged entry with this number. */
  countAgain(seq: number, { at, lastAt = at, count }: AuditEntry): void {
    this.#tables.put(COUNT_AGAIN, count, lastAt, seq);
  }

  /**
   * Reads the state since that time from the newest entries: counts by actor, and merged entries,
   * oldest first.
   */
  since(at: number): EntriesSince {
    const after = this.#bounds().last - LOOKED_THROUGH;
    const counts = this.#tables.rows(COUNT_SINCE, after, at);
    const merged = this.#tables.rows(MERGED_SINCE, after, at);
    return {
      counts: counts.map((row) => ({
        who: textIn(row, "who"),
        isRefused: row["refused"] === 1,
        entries: Number(row["entries"]),
      })),
      merged: merged.map((row) => ({ seq: Number(row["seq"]), entry: entryIn(row) })),
    };
  }

  /** Returns matching entries: the newest, or the ones with a number below `before`. */
  list({ who, what, on, since = 0 }: AuditFilter, limit: number, before: number | null): AuditPage {
    const { first, last } = this.#bounds();
    const end = before ?? last + 1;
    const start = end - LOOKED_THROUGH;
    const match = [who ?? null, what ?? null, on ?? null] as const;
    const rows = this.#tables.rows(LIST, start, end, since, ...match, limit);
    const isFull = rows.length === limit;
    const next = isFull ? Number(rows.at(-1)?.["seq"]) : start;
    return { entries: rows.map(entryIn), next: next > first ? next : null };
  }

  /**
   * Deletes, among the oldest `DELETED_AT_ONCE`, entries from before `before` (epoch ms) and
   * entries beyond `most`. `isAll`: nothing more is due. `isEmpty`: no entries are left.
   */
  deleteOld(before: number, most: number): { readonly isAll: boolean; readonly isEmpty: boolean } {
    const { first, last } = this.#bounds();
    const isDeleted = this.#tables.change(DELETE_OLD, first + DELETED_AT_ONCE, before, last - most);
    return { isAll: !isDeleted, isEmpty: this.#tables.rows(HAS_ENTRY).length === 0 };
  }

  /** Numbers of the first and the last entry; 0 without entries. */
  #bounds(): { readonly first: number; readonly last: number } {
    const [row] = this.#tables.rows(READ_BOUNDS);
    return { first: Number(row?.["first"] ?? 0), last: Number(row?.["last"] ?? 0) };
  }
}

/** Row mapping; only `append` writes entries. */
const entryIn = (row: Row): AuditEntry => jsonIn(row, "entry");

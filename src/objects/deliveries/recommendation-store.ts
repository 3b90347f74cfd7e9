/**
 * SQL about the counts of a recommendation endpoint: a row per component and hour, and a row per
 * component of all time, under the hour 0. The counts are JSON, so a new kind of count needs no
 * migration. Object and tables are separate from deliveries: an older release opens neither.
 */
import { addCounts, type ComponentCounts } from "../../domain/recommendations/statistics.ts";
import { jsonIn, type Row, type RowStorage, type TableHistory, Tables } from "../tables.ts";

const HOUR_MS = 3_600_000;
/** Retention of the rows of hours: eight days. */
const KEPT_HOURS = 8 * 24;
/** Time in which a call may be repeated; the calls of a batch end within seconds. Milliseconds. */
const REPEATED_WITHIN_MS = 60_000;

/** `hour`: hours since 1970, or 0 for all time. `counts`: a table of numbers and a run, as JSON. */
const CREATE_COUNTS = `
  CREATE TABLE recommendation_counts (
    hour INTEGER NOT NULL CONSTRAINT hour_is_not_negative CHECK (hour >= 0),
    component TEXT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (hour, component)
  ) STRICT, WITHOUT ROWID`;

/** `id`: a batch of counts that was added. `at`: epoch milliseconds. */
const CREATE_BATCHES = `
  CREATE TABLE recommendation_batches (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;

const TABLES: TableHistory = {
  what: "the object of recommendations",
  table: "recommendation_counts",
  migrations: [[CREATE_COUNTS], [CREATE_BATCHES]],
};

const READ = "SELECT counts FROM recommendation_counts WHERE hour = ? AND component = ?";
const WRITE = `
  INSERT INTO recommendation_counts (hour, component, counts) VALUES (?, ?, ?)
  ON CONFLICT (hour, component) DO UPDATE SET counts = excluded.counts`;
const READ_SINCE =
  "SELECT component, counts FROM recommendation_counts WHERE hour >= ? AND hour > 0 ORDER BY hour";
const READ_ALL = "SELECT component, counts FROM recommendation_counts WHERE hour = 0";
const NOTE_BATCH =
  "INSERT INTO recommendation_batches (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id";
const DELETE_BATCHES = "DELETE FROM recommendation_batches WHERE at < ?";
const DELETE_OLD = "DELETE FROM recommendation_counts WHERE hour > 0 AND hour < ?";

/**
 * The store of the counts. Every row is small: a table has some thirty numbers, whatever the number
 * of requests.
 */
export class RecommendationStore {
  readonly #tables: Tables;
  /** Time when old batches were deleted, of this life of the object. */
  #tidiedAt = 0;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  /**
   * Adds a batch of counts once: a repeated call changes nothing, also after a reset of the object.
   * Deletes old rows. `now`: epoch milliseconds.
   */
  add(batch: string, counts: ReadonlyMap<string, ComponentCounts>, now: number): void {
    const hour = Math.floor(now / HOUR_MS);
    this.#tables.atOnce(() => {
      if (this.#tables.put(NOTE_BATCH, batch, now).length === 0) return;
      for (const [component, one] of counts)
        for (const slot of [0, hour]) {
          const [row] = this.#tables.rows(READ, slot, component);
          const sum = addCounts(row === undefined ? undefined : countsIn(row), one);
          this.#tables.put(WRITE, slot, component, JSON.stringify(sum));
        }
      if (now - this.#tidiedAt < REPEATED_WITHIN_MS) return;
      this.#tables.rows(DELETE_OLD, hour - KEPT_HOURS);
      this.#tables.rows(DELETE_BATCHES, now - REPEATED_WITHIN_MS);
      this.#tidiedAt = now;
    });
  }

  /** Returns the counts by component, of the hours since that time; null: of all time. */
  read(since: number | null): ReadonlyMap<string, ComponentCounts> {
    const rows =
      since === null
        ? this.#tables.rows(READ_ALL)
        : this.#tables.rows(READ_SINCE, Math.floor(since / HOUR_MS));
    const sums = new Map<string, ComponentCounts>();
    for (const row of rows) {
      const component = String(row["component"]);
      sums.set(component, addCounts(sums.get(component), countsIn(row)));
    }
    return sums;
  }
}

/** Row mapping; only `add` writes counts. */
const countsIn = (row: Row): ComponentCounts => jsonIn(row, "counts");

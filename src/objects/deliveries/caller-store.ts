/**
 * SQL about the counted callers of an endpoint: a row per caller, written for each admitted
 * request.
 */
import {
  type CallerRule,
  type CallerWindow,
  takePlace,
} from "../../domain/limits/caller-window.ts";
import type { NextDue } from "../../domain/delivery.ts";
import { jsonIn, numberIn, type Tables } from "../tables.ts";

const READ = "SELECT taken FROM callers WHERE digest = ?";
const WRITE = `
  INSERT INTO callers (digest, until, taken) VALUES (?, ?, ?)
  ON CONFLICT (digest) DO UPDATE SET until = excluded.until, taken = excluded.taken`;
const DELETE_OLD =
  "DELETE FROM callers WHERE digest IN (SELECT digest FROM callers WHERE until <= ? LIMIT ?)";
const READ_NEXT = "SELECT min(until) AS due FROM callers";

/**
 * Retention of a row. Rows of expired windows are deleted together, every few minutes, since an
 * alarm is a row written.
 */
const KEPT_MS = 6 * 3_600_000;

/** Limit of rows deleted at a time: a caller may choose the key of the count. */
const AT_A_TIME = 10_000;

/** End of the wait (epoch milliseconds), and retention of the row; null: admitted. */
export interface CallerAnswer {
  readonly waitUntil: number | null;
  readonly until: number;
}

export class CallerStore {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** Counts a request of this caller, if admitted. */
  take(digest: string, rule: CallerRule, now: number): CallerAnswer {
    const [row] = this.#tables.rows(READ, digest);
    const window: CallerWindow = row === undefined ? [] : jsonIn(row, "taken");
    const taken = takePlace(window, rule, now);
    if (!taken.isAdmitted) return { waitUntil: taken.freeAt, until: taken.freeAt };
    const until = taken.window.at(-1)?.[0] ?? now;
    this.#tables.put(WRITE, digest, until, JSON.stringify(taken.window));
    return { waitUntil: null, until };
  }

  /**
   * Deletes a batch of callers with expired windows. Returns the next expiry; null without callers.
   */
  deleteOld(now: number): NextDue | null {
    this.#tables.rows(DELETE_OLD, now, AT_A_TIME);
    const due = numberIn(this.#tables.rows(READ_NEXT)[0], "due");
    return due === null ? null : { until: due, keptMs: KEPT_MS };
  }
}

/**
 * All storage of a debounce object: the run of its window, and the run named for each idempotency
 * key.
 */
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { Tables, textIn, type Row, type RowStorage } from "../tables.ts";
import { WINDOW_TABLES } from "./schema.ts";

const READ_WINDOW = "SELECT run_id, opened_at FROM open_window WHERE id = 1";
const OPEN_WINDOW = `
  INSERT INTO open_window (id, run_id, opened_at) VALUES (1, ?, ?)
  ON CONFLICT (id) DO UPDATE SET run_id = excluded.run_id, opened_at = excluded.opened_at`;
const READ_NAMED = "SELECT run_id FROM named_run WHERE key_digest = ?";
const NAME_RUN = `
  INSERT INTO named_run (key_digest, run_id, until) VALUES (?, ?, ?)
  ON CONFLICT (key_digest) DO UPDATE SET run_id = excluded.run_id, until = excluded.until`;
const FORGET_NAMED = "DELETE FROM named_run WHERE until <= ?";
const COUNT_NAMED = "SELECT count(*) AS left FROM named_run";

export interface OpenWindow {
  readonly runId: RunId;
  readonly openedAt: number;
}

export class DebounceStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, WINDOW_TABLES);
  }

  /**
   * Returns the run of the last window and its opening time (epoch ms); null before the first
   * window.
   */
  openWindow(): OpenWindow | null {
    const row = this.#tables.rows(READ_WINDOW)[0];
    const runId = runIdIn(row);
    return runId === null ? null : { runId, openedAt: Number(row?.["opened_at"]) };
  }

  /** Returns the run named for the key of this digest. */
  namedRun(key: string): RunId | null {
    return runIdIn(this.#tables.rows(READ_NAMED, key)[0]);
  }

  /** Stores the run of a new window, and the run named for a key, in one transaction. */
  record(
    window: OpenWindow | null,
    named: { readonly key: string; readonly runId: RunId; readonly until: number } | null,
  ): void {
    this.#tables.atOnce(() => {
      if (window !== null) this.#tables.put(OPEN_WINDOW, window.runId, window.openedAt);
      if (named !== null) this.#tables.put(NAME_RUN, named.key, named.runId, named.until);
    });
  }

  /** Removes expired keys. Returns true while keys remain. */
  forgetNamed(now: number): boolean {
    this.#tables.rows(FORGET_NAMED, now);
    return Number(this.#tables.rows(COUNT_NAMED)[0]?.["left"] ?? 0) > 0;
  }

  async deleteAll(): Promise<void> {
    await this.#tables.deleteAll();
  }
}

const runIdIn = (row: Row | undefined): RunId | null => parseRunId(textIn(row, "run_id"));

/** The storage of the pauses object: paused tasks, and runs waiting for a resumption. */
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { Tables, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

const READ_PAUSED = "SELECT task, by, at FROM paused ORDER BY task";
const PAUSE = "INSERT INTO paused (task, by, at) VALUES (?, ?, ?) ON CONFLICT (task) DO NOTHING";
const RESUME = "DELETE FROM paused WHERE task = ?";
const IS_PAUSED = "SELECT 1 AS present FROM paused WHERE task = ?";
const WAIT = "INSERT INTO waiting (task, run_id) VALUES (?, ?) ON CONFLICT DO NOTHING";
const READ_DUE =
  "SELECT task, run_id FROM waiting WHERE task NOT IN (SELECT task FROM paused) LIMIT ?";
const STRIKE_OFF =
  "DELETE FROM waiting WHERE task = ? AND run_id = ? AND task NOT IN (SELECT task FROM paused)";
const NOT_TOLD =
  "UPDATE waiting SET tries = tries + 1 WHERE task = ? AND run_id = ? RETURNING tries";
const COUNT = "SELECT (SELECT count(*) FROM paused) + (SELECT count(*) FROM waiting) AS rows";

export interface PausedRow {
  readonly task: string;
  readonly by: string;
  readonly at: number;
}

export interface WaitingRun {
  readonly task: string;
  readonly runId: RunId;
}

export class PausesStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  paused(): PausedRow[] {
    return this.#tables.rows(READ_PAUSED).map((row) => ({
      task: String(row["task"]),
      by: String(row["by"]),
      at: Number(row["at"]),
    }));
  }

  pause(task: string, by: string, at: number): void {
    this.#tables.put(PAUSE, task, by, at);
  }

  resume(task: string): void {
    this.#tables.rows(RESUME, task);
  }

  isPaused(task: string): boolean {
    return this.#tables.rows(IS_PAUSED, task).length > 0;
  }

  wait(task: string, runId: RunId): void {
    this.#tables.put(WAIT, task, runId);
  }

  /** Returns runs that wait for a task which is not paused, at most this many. */
  due(most: number): WaitingRun[] {
    return this.#tables.rows(READ_DUE, most).flatMap((row) => {
      const runId = parseRunId(String(row["run_id"]));
      return runId === null ? [] : [{ task: String(row["task"]), runId }];
    });
  }

  /** Removes a notified or unreachable run, unless the task was paused again meanwhile. */
  strikeOff({ task, runId }: WaitingRun): void {
    this.#tables.rows(STRIKE_OFF, task, runId);
  }

  /** Counts a failed notification. Returns the new count. */
  notTold({ task, runId }: WaitingRun): number {
    return Number(this.#tables.rows(NOT_TOLD, task, runId)[0]?.["tries"] ?? 0);
  }

  get isEmpty(): boolean {
    return Number(this.#tables.rows(COUNT)[0]?.["rows"] ?? 0) === 0;
  }

  /** Deletes all rows and the alarm. */
  async deleteAll(): Promise<void> {
    await this.#tables.deleteAll();
  }
}

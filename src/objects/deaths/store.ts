/** All SQL of the object of deaths: attempts of all runs that died recently with their workers. */
import { numberIn, Tables, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

/**
 * Longest time between the reports of deaths with one cause: by then alarms are repeated and leases
 * have expired.
 */
const TOGETHER_MS = 60_000;

/** Retention of a death: a task of 14 minutes starts four times meanwhile. */
export const KEPT_MS = 3_600_000;

// A repeated report, however late, means the same death. After the run's deletion another attempt
// of the same name may exist, which began since.
const NOTE = `
  INSERT INTO deaths (victim, attempt, begun_at, died_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (victim, attempt) DO UPDATE SET begun_at = excluded.begun_at, died_at = excluded.died_at
  WHERE died_at < excluded.begun_at AND died_at < excluded.died_at - ${TOGETHER_MS}`;
const isBeside = (other: string, mine: string): string => `
  ${other}.died_at BETWEEN ${mine}.died_at - ${TOGETHER_MS} AND ${mine}.died_at + ${TOGETHER_MS}
  AND ${other}.victim <> ${mine}.victim AND ${other}.begun_at <= ${mine}.died_at AND ${other}.died_at >= ${mine}.begun_at`;
const SOLE = `
  SELECT mine.attempt AS attempt FROM deaths AS mine WHERE mine.victim = ? AND NOT EXISTS (
    SELECT 1 FROM deaths AS other WHERE ${isBeside("other", "mine")}
  ) ORDER BY mine.attempt`;
const EXPLAINED = `
  SELECT mine.attempt AS attempt FROM deaths AS mine WHERE mine.victim = ? AND EXISTS (
    SELECT 1 FROM deaths AS other WHERE ${isBeside("other", "mine")} AND EXISTS (
      SELECT 1 FROM deaths AS theirs WHERE theirs.victim = other.victim AND NOT EXISTS (
        SELECT 1 FROM deaths AS third WHERE ${isBeside("third", "theirs")}
      )
    )
  ) ORDER BY mine.attempt`;
const FORGET = "DELETE FROM deaths WHERE died_at <= ?";
const FIRST = "SELECT min(died_at) AS at FROM deaths";

export class DeathsStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  note(victim: string, attempt: number, begunAt: number, diedAt: number): void {
    this.#tables.put(NOTE, victim, attempt, begunAt, diedAt);
  }

  /** Returns the attempts of the victim that died while no other death is known. */
  sole(victim: string): number[] {
    return this.#tables.rows(SOLE, victim).map((row) => Number(row["attempt"]));
  }

  /**
   * Returns the attempts of the victim that died beside a known killer: a victim that died alone at
   * another time. Empty for a victim that died alone itself.
   */
  explained(victim: string): number[] {
    if (this.sole(victim).length > 0) return [];
    return this.#tables.rows(EXPLAINED, victim).map((row) => Number(row["attempt"]));
  }

  /**
   * Deletes deaths older than the retention. Returns when the next death expires; null: none is
   * left.
   */
  forget(now: number): number | null {
    this.#tables.rows(FORGET, now - KEPT_MS);
    const at = numberIn(this.#tables.rows(FIRST)[0], "at");
    return at === null ? null : at + KEPT_MS;
  }

  /** Deletes everything, including the alarm. */
  async deleteAll(): Promise<void> {
    await this.#tables.deleteAll();
  }
}

/** All storage of the object that knows of deaths: which attempts have died with their workers lately, of all runs. */
import { Tables, type Row, type RowStorage } from "../../platform/tables.ts";
import { TABLES } from "./schema.ts";

/** Deaths that one isolate has caused are told of within so long of one another: alarms are repeated and leases run out by then. */
const TOGETHER_MS = 60_000;

/** How long a death is known: a task that takes 14 minutes is begun four times in it. */
export const KEPT_MS = 3_600_000;

// Told again, however late, it is the same death; but after the run was deleted there may be another one of that name, begun since.
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
  readonly #storage: RowStorage;
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#storage = storage;
    this.#tables = new Tables(storage, TABLES);
  }

  note(victim: string, attempt: number, begunAt: number, diedAt: number): void {
    this.#tables.make();
    this.#rows(NOTE, victim, attempt, begunAt, diedAt);
  }

  /** Those attempts of it that have died while nothing else did that is known. */
  sole(victim: string): number[] {
    return this.#tables.areThere()
      ? this.#rows(SOLE, victim).map((row) => Number(row["attempt"]))
      : [];
  }

  /**
   * Those attempts of it that others have died beside of which one is known to kill: it has died at another time while nothing else did.
   * None of one that has died so itself.
   */
  explained(victim: string): number[] {
    if (!this.#tables.areThere() || this.sole(victim).length > 0) return [];
    return this.#rows(EXPLAINED, victim).map((row) => Number(row["attempt"]));
  }

  /** Deletes what has been known for long enough. When the next of the rest will have been; null: nothing is left. */
  forget(now: number): number | null {
    if (!this.#tables.areThere()) return null;
    this.#rows(FORGET, now - KEPT_MS);
    const at = this.#rows(FIRST)[0]?.["at"];
    return typeof at === "number" ? at + KEPT_MS : null;
  }

  /** Deletes everything, the alarm included. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
    this.#tables.deleted();
  }

  #rows(query: string, ...values: (string | number)[]): Row[] {
    return this.#storage.sql.exec(query, ...values).toArray();
  }
}

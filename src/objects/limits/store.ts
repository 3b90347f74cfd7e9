/** All storage of a limit object: the slots of its limiter. */
import { parseRunId } from "../../domain/ids.ts";
import type { LimitName, LimitRule } from "../../domain/limits/limit.ts";
import { slotId, type SlotChanges, type SlotEntry } from "../../domain/limits/limiter.ts";
import { jsonIn, numberIn, Tables, type Row, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

const READ_SLOTS = `
  SELECT run_id, ordinal, attempt, rank, seq, phase, check_at, checks, free_at, gives_way
  FROM slot`;
const READ_STARTED = "SELECT free_at, count FROM started";
const READ_NAME = "SELECT name FROM limit_name WHERE id = 1";
const NOTE_NAME =
  "INSERT INTO limit_name (id, name, rule) VALUES (1, ?, ?) ON CONFLICT (id) DO NOTHING";
const READ_RULE = "SELECT rule FROM limit_name WHERE id = 1";
const NOTE_RULE = "UPDATE limit_name SET rule = ? WHERE id = 1";
const PUT_SLOT = `
  INSERT INTO slot
    (id, run_id, ordinal, attempt, rank, seq, phase, check_at, checks, free_at, gives_way)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET phase = excluded.phase,
  check_at = excluded.check_at, checks = excluded.checks, free_at = excluded.free_at,
  gives_way = excluded.gives_way`;
const DELETE_SLOT = "DELETE FROM slot WHERE id = ?";
const PUT_STARTED = `
  INSERT INTO started (free_at, count) VALUES (?, ?) ON CONFLICT (free_at) DO UPDATE
  SET count = excluded.count`;
const DELETE_STARTED = "DELETE FROM started WHERE free_at = ?";

/** Stored state of the limiter. */
export interface StoredSlots {
  readonly entries: readonly SlotEntry[];
  readonly window: readonly (readonly [freeAt: number, count: number])[];
  readonly rule: LimitRule | null;
}

export class LimitStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  load(): StoredSlots {
    const [rule] = this.#tables.rows(READ_RULE);
    return {
      entries: this.#tables.rows(READ_SLOTS).map(entryOf),
      window: this.#tables
        .rows(READ_STARTED)
        .map((row) => [Number(row["free_at"]), Number(row["count"])]),
      rule: rule === undefined ? null : jsonIn(rule, "rule"),
    };
  }

  /** The name of this limit; null before the first record. */
  name(): LimitName | null {
    const [row] = this.#tables.rows(READ_NAME);
    return row === undefined ? null : jsonIn(row, "name");
  }

  /** Stores the name once, with the first rule. */
  noteName(name: LimitName, rule: LimitRule): void {
    this.#tables.put(NOTE_NAME, JSON.stringify(name), JSON.stringify(rule));
  }

  /** Stores changes in one transaction. */
  write({ put, gone, window, rule }: SlotChanges): void {
    this.#tables.atOnce(() => {
      for (const id of gone) this.#tables.put(DELETE_SLOT, id);
      for (const entry of put) this.#tables.put(PUT_SLOT, ...columnsOf(entry));
      for (const { freeAt, count } of window) {
        if (count === 0) this.#tables.put(DELETE_STARTED, freeAt);
        else this.#tables.put(PUT_STARTED, freeAt, count);
      }
      if (rule !== null) this.#tables.put(NOTE_RULE, JSON.stringify(rule));
    });
  }

  /** Deletes all rows and the alarm. */
  async deleteAll(): Promise<void> {
    await this.#tables.deleteAll();
  }
}

function columnsOf(entry: SlotEntry): (string | number | null)[] {
  const { holder, rank, seq, phase, checkAt, checks, freeAt, givesWay } = entry;
  const { runId, ordinal, attempt } = holder;
  return [
    slotId(holder),
    runId,
    ordinal,
    attempt,
    rank,
    seq,
    phase,
    checkAt,
    checks,
    freeAt,
    Number(givesWay),
  ];
}

function entryOf(row: Row): SlotEntry {
  const runId = parseRunId(String(row["run_id"]));
  if (runId === null)
    throw new Error(`a slot is kept for "${String(row["run_id"])}", which is no run id`);
  const phase = row["phase"];
  return {
    holder: { runId, ordinal: Number(row["ordinal"]), attempt: Number(row["attempt"]) },
    rank: Number(row["rank"]),
    seq: Number(row["seq"]),
    phase: phase === "held" || phase === "leaving" ? phase : "waiting",
    checkAt: numberIn(row, "check_at"),
    checks: Number(row["checks"]),
    freeAt: numberIn(row, "free_at"),
    givesWay: row["gives_way"] === 1,
  };
}

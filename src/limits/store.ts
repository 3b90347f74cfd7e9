/** All storage of a debounce object: the run of its window, and which run each idempotency key had. */
import { parseRunId, type RunId } from "../core/ids.ts";
import { CREATE_TABLES } from "./schema.ts";

const READ_WINDOW = "SELECT run_id FROM open_window WHERE id = 1";
const OPEN_WINDOW =
  "INSERT INTO open_window (id, run_id) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET run_id = excluded.run_id";
const READ_TRIGGER = "SELECT run_id FROM known_trigger WHERE idempotency_key = ?";
const NOTE_TRIGGER =
  "INSERT INTO known_trigger (idempotency_key, run_id, at) VALUES (?, ?, ?) ON CONFLICT (idempotency_key) DO UPDATE SET run_id = excluded.run_id, at = excluded.at";
const FORGET_TRIGGERS = "DELETE FROM known_trigger WHERE at < ?";
const COUNT_TRIGGERS = "SELECT count(*) AS left FROM known_trigger";

export class DebounceStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(CREATE_TABLES);
  }

  /** The run of the window that was opened last; null if there was none. */
  openWindow(): RunId | null {
    return this.#runId(READ_WINDOW);
  }

  /** The run that this idempotency key had. */
  knownTrigger(idempotencyKey: string): RunId | null {
    return this.#runId(READ_TRIGGER, idempotencyKey);
  }

  /** Records the window's run (if it is a new window) and the trigger's key (if it has one), in one transaction. */
  record(window: RunId | null, idempotencyKey: string | null, runId: RunId, at: number): void {
    this.#storage.transactionSync(() => {
      if (window !== null) this.#storage.sql.exec(OPEN_WINDOW, window);
      if (idempotencyKey !== null) this.#storage.sql.exec(NOTE_TRIGGER, idempotencyKey, runId, at);
    });
  }

  /** Forgets the keys of triggers before this time; says whether any are left. */
  forgetTriggersBefore(at: number): boolean {
    this.#storage.sql.exec(FORGET_TRIGGERS, at);
    return Number(this.#storage.sql.exec(COUNT_TRIGGERS).one()["left"]) > 0;
  }

  #runId(query: string, ...bindings: string[]): RunId | null {
    const [row] = this.#storage.sql.exec(query, ...bindings);
    const text = row?.["run_id"];
    return typeof text === "string" ? parseRunId(text) : null;
  }
}

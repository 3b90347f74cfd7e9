/** All SQL of the object of dead letters. */
import { DEAD_LETTER_REASONS, type DeadLetter } from "../../domain/dead-letter.ts";
import { parseDeadLetterId, type DeadLetterId } from "../../domain/ids.ts";
import { numberIn, Tables, textIn, type Row, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

const COLUMNS = "seq, id, queue, reason, detail, body, received_at, attempts, expires_at";
const RECORD = `
  INSERT INTO letters (id, queue, reason, detail, body, received_at, attempts, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;
const LIST = `
  SELECT ${COLUMNS} FROM letters WHERE seq < ? AND expires_at > ? ORDER BY seq DESC LIMIT ?`;
const READ = `SELECT ${COLUMNS} FROM letters WHERE id = ? AND expires_at > ?`;
const FAILED_AGAIN =
  "UPDATE letters SET reason = ?, detail = ?, expires_at = ?, attempts = attempts + 1 WHERE id = ?";
const COUNT = "SELECT count(*) AS letters FROM letters WHERE expires_at > ?";
const REMOVE = "DELETE FROM letters WHERE id = ?";
const DELETE_EXPIRED = "DELETE FROM letters WHERE expires_at <= ?";
const NEXT_EXPIRY = "SELECT min(expires_at) AS at FROM letters";

export class DeadLetterStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  /** Stores a letter. A letter of the same id stays as is. */
  record(letter: DeadLetter): void {
    const { id, queue, reason, detail, body, receivedAt, attempts, expiresAt } = letter;
    this.#tables.put(RECORD, id, queue, reason, detail, body, receivedAt, attempts, expiresAt);
  }

  /** Returns at most `limit` unexpired letters with a number below `before`, newest first. */
  list(
    limit: number,
    before: number,
    now: number,
  ): { readonly seq: number; readonly letter: DeadLetter }[] {
    return this.#tables
      .rows(LIST, before, now, limit)
      .map((row) => ({ seq: Number(row["seq"]), letter: letterIn(row) }));
  }

  read(id: DeadLetterId, now: number): DeadLetter | null {
    const [row] = this.#tables.rows(READ, id, now);
    return row === undefined ? null : letterIn(row);
  }

  count(now: number): number {
    return Number(this.#tables.rows(COUNT, now)[0]?.["letters"] ?? 0);
  }

  /** Records a failed try; false if absent. */
  failedAgain(
    id: DeadLetterId,
    { reason, detail, expiresAt }: Pick<DeadLetter, "reason" | "detail" | "expiresAt">,
  ): boolean {
    return this.#tables.change(FAILED_AGAIN, reason, detail, expiresAt, id);
  }

  /** Deletes a letter; false if absent. */
  remove(id: DeadLetterId): boolean {
    return this.#tables.change(REMOVE, id);
  }

  /** Deletes expired letters. Returns the next expiry (epoch ms); null without letters. */
  deleteExpired(now: number): number | null {
    this.#tables.rows(DELETE_EXPIRED, now);
    return numberIn(this.#tables.rows(NEXT_EXPIRY)[0], "at");
  }
}

/** Row mapping. */
function letterIn(row: Row): DeadLetter {
  const id = parseDeadLetterId(textIn(row, "id"));
  const reason = DEAD_LETTER_REASONS.find((known) => known === row["reason"]);
  if (id === null || reason === undefined)
    throw new Error(`a row of the dead letters cannot be read: ${textIn(row, "id")}`);
  return {
    id,
    queue: textIn(row, "queue"),
    reason,
    detail: textIn(row, "detail"),
    body: textIn(row, "body"),
    receivedAt: Number(row["received_at"]),
    attempts: Number(row["attempts"]),
    expiresAt: Number(row["expires_at"]),
  };
}

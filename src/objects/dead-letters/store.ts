/** All SQL of the object of dead letters. */
import { DEAD_LETTER_REASONS, type DeadLetter } from "../../domain/dead-letter.ts";
import { parseDeadLetterId, type DeadLetterId } from "../../domain/ids.ts";
import { Tables } from "../tables.ts";
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
  readonly #storage: DurableObjectStorage;
  readonly #tables: Tables;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#tables = new Tables(storage, TABLES);
  }

  /** Stores a letter. A letter of the same id stays as is. */
  record(letter: DeadLetter): void {
    this.#tables.make();
    const { id, queue, reason, detail, body, receivedAt, attempts, expiresAt } = letter;
    this.#storage.sql.exec(
      RECORD,
      id,
      queue,
      reason,
      detail,
      body,
      receivedAt,
      attempts,
      expiresAt,
    );
  }

  /** Returns at most `limit` unexpired letters with a number below `before`, newest first. */
  list(
    limit: number,
    before: number,
    now: number,
  ): { readonly seq: number; readonly letter: DeadLetter }[] {
    if (!this.#tables.areThere()) return [];
    return this.#storage.sql
      .exec(LIST, before, now, limit)
      .toArray()
      .map((row) => ({ seq: Number(row["seq"]), letter: letterIn(row) }));
  }

  read(id: DeadLetterId, now: number): DeadLetter | null {
    if (!this.#tables.areThere()) return null;
    const [row] = this.#storage.sql.exec(READ, id, now).toArray();
    return row === undefined ? null : letterIn(row);
  }

  count(now: number): number {
    return this.#tables.areThere()
      ? Number(this.#storage.sql.exec(COUNT, now).one()["letters"])
      : 0;
  }

  /** Records a failed try; false if absent. */
  failedAgain(
    id: DeadLetterId,
    { reason, detail, expiresAt }: Pick<DeadLetter, "reason" | "detail" | "expiresAt">,
  ): boolean {
    return (
      this.#tables.areThere() &&
      this.#storage.sql.exec(FAILED_AGAIN, reason, detail, expiresAt, id).rowsWritten > 0
    );
  }

  /** Deletes a letter; false if absent. */
  remove(id: DeadLetterId): boolean {
    return this.#tables.areThere() && this.#storage.sql.exec(REMOVE, id).rowsWritten > 0;
  }

  /** Deletes expired letters. Returns the next expiry (epoch ms); null without letters. */
  deleteExpired(now: number): number | null {
    if (!this.#tables.areThere()) return null;
    this.#storage.sql.exec(DELETE_EXPIRED, now);
    const at = this.#storage.sql.exec(NEXT_EXPIRY).one()["at"];
    return typeof at === "number" ? at : null;
  }
}

/** Row mapping. */
function letterIn(row: Record<string, SqlStorageValue>): DeadLetter {
  const text = (column: string): string => {
    const value = row[column];
    return typeof value === "string" ? value : "";
  };
  const id = parseDeadLetterId(text("id"));
  const reason = DEAD_LETTER_REASONS.find((known) => known === row["reason"]);
  if (id === null || reason === undefined)
    throw new Error(`a row of the dead letters cannot be read: ${text("id")}`);
  return {
    id,
    queue: text("queue"),
    reason,
    detail: text("detail"),
    body: text("body"),
    receivedAt: Number(row["received_at"]),
    attempts: Number(row["attempts"]),
    expiresAt: Number(row["expires_at"]),
  };
}

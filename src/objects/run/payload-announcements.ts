/**
 * Announcements of payloads in R2, in the table `objects_expected`. A payload is announced before
 * being stored, so that the end of the run, or an alarm without a run, finds the payloads of dead
 * callers.
 */
import type { JournalStorage } from "./journal-storage.ts";
import { CREATE_OBJECTS_EXPECTED } from "./schema.ts";

const ANNOUNCE = "INSERT OR REPLACE INTO objects_expected (nonce, at) VALUES (?, ?)";
const ANSWERED = "DELETE FROM objects_expected WHERE nonce = ?";
const IS_ANNOUNCED = "SELECT 1 AS present FROM objects_expected WHERE nonce = ?";
const READ_ANNOUNCED = "SELECT nonce, at FROM objects_expected WHERE at > ?";

export class PayloadAnnouncements {
  readonly #storage: Pick<JournalStorage, "sql">;
  #expectsObjects = false;

  constructor(storage: Pick<JournalStorage, "sql">) {
    this.#storage = storage;
  }

  /** Sets the state found in storage, where all tables are looked up together. */
  load(isThere: boolean): void {
    this.#expectsObjects = isThere;
  }

  /** Tells whether R2 may have objects with this id. Known after `load`. */
  get expectsObjects(): boolean {
    return this.#expectsObjects;
  }

  /** Records that R2 may have objects with this id, whether or not a run was accepted. */
  expectObjects(): void {
    if (this.#expectsObjects) return;
    this.#storage.sql.exec(CREATE_OBJECTS_EXPECTED);
    this.#expectsObjects = true;
  }

  /** Announces an accept that is about to put payloads into R2. */
  add(nonce: string, at: number): void {
    this.expectObjects();
    this.#storage.sql.exec(ANNOUNCE, nonce, at);
  }

  /**
   * Removes the announcement: the stored payload belongs to the run by now, or the caller deletes
   * the payload.
   */
  remove(nonce: string): void {
    if (this.#expectsObjects) this.#storage.sql.exec(ANSWERED, nonce);
  }

  /** Tells whether the accept is announced and not answered yet. */
  has(nonce: string): boolean {
    return this.#expectsObjects && this.#storage.sql.exec(IS_ANNOUNCED, nonce).toArray().length > 0;
  }

  /** Returns the unanswered accepts announced after `at`, except `besides`. */
  since(
    at: number,
    besides: string | null,
  ): readonly { readonly nonce: string; readonly at: number }[] {
    if (!this.#expectsObjects) return [];
    const rows = this.#storage.sql.exec(READ_ANNOUNCED, at).toArray();
    const announced = rows.map((row) => ({ nonce: String(row["nonce"]), at: Number(row["at"]) }));
    return announced.filter(({ nonce }) => nonce !== besides);
  }
}

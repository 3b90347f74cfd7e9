/** Stores the tombstone of a deleted run, in a table of one row. */
import { refuseNewer } from "../../domain/version.ts";
import type { JournalStorage } from "./journal-storage.ts";
import { CREATE_TOMBSTONE, type Tombstone } from "./schema.ts";

const READ_TOMBSTONE = "SELECT entry FROM tombstone";
const WRITE_TOMBSTONE =
  "INSERT INTO tombstone (one, entry) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET entry = excluded.entry";

export class TombstoneStore {
  readonly #storage: Pick<JournalStorage, "sql">;
  #value: Tombstone | null = null;

  constructor(storage: Pick<JournalStorage, "sql">) {
    this.#storage = storage;
  }

  /** The tombstone of a run whose retention is over; null: none. Known after `load`. */
  get value(): Tombstone | null {
    return this.#value;
  }

  /** Reads the tombstone if its table exists; all tables are looked up together. */
  load(isThere: boolean): void {
    this.#value = isThere ? this.#read() : null;
  }

  /** Stores the tombstone of a deleted run. */
  write(tombstone: Tombstone): void {
    this.#storage.sql.exec(CREATE_TOMBSTONE);
    this.#storage.sql.exec(WRITE_TOMBSTONE, JSON.stringify(tombstone));
    this.#value = tombstone;
  }

  #read(): Tombstone | null {
    const [row] = this.#storage.sql.exec(READ_TOMBSTONE).toArray();
    const entry = row?.["entry"];
    if (typeof entry !== "string") return null;
    const tombstone = parseTombstone(entry);
    refuseNewer(tombstone, "the journal of this run");
    return tombstone;
  }
}

/** The only row mapping of this store: `write` alone writes the row, as JSON of this type. */
function parseTombstone(entry: string): Tombstone {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(entry) as Tombstone;
}

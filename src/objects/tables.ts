/**
 * Tables of an object, with their version: one way for all objects (invariant 11) except a run,
 * whose entries each have a version of their own.
 *
 * The table `schema_versions` holds the version. Without that table the version is 1, like any data
 * without `v` is of the first format: objects with a short life are many, and a stored version
 * would cost each of them two rows.
 *
 * Migrations are append-only. Tables of a newer version are refused with `NewerFormatError` before
 * any read or write, and stay whole for the newer code.
 */
import { NewerFormatError } from "../domain/version.ts";

/** History of an object's tables. */
export interface TableHistory {
  /** Name of the object in the message about newer tables. */
  readonly what: string;
  /** A table that exists from version 1 on. */
  readonly table: string;
  /** Statements of each version, the first version first. */
  readonly migrations: readonly (readonly string[])[];
}

/** Storage of an object, as far as its store uses it. */
export interface RowStorage {
  readonly sql: {
    exec(
      query: string,
      ...values: SqlValue[]
    ): Iterable<Row> & {
      toArray(): Row[];
      readonly rowsWritten: number;
    };
  };
  transactionSync<T>(work: () => T): T;
  deleteAll(): Promise<void>;
}

export type SqlValue = string | number | null | Uint8Array;

export type Row = Record<string, unknown>;

/** The text of a column; empty without a row, and for any other value. */
export function textIn(row: Row | undefined, column: string): string {
  const value = row?.[column];
  return typeof value === "string" ? value : "";
}

/** The number of a column; null without a row, and for any other value. */
export function numberIn(row: Row | undefined, column: string): number | null {
  const value = row?.[column];
  return typeof value === "number" ? value : null;
}

/** The value of a column of JSON. The caller's store alone writes the column, by this type. */
export function jsonIn<T>(row: Row, column: string): T {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(textIn(row, column)) as T;
}

const CREATE_VERSIONS = `
  CREATE TABLE IF NOT EXISTS schema_versions (
    version INTEGER PRIMARY KEY CONSTRAINT version_is_positive CHECK (version > 0)
  ) STRICT`;
const READ_VERSION = "SELECT max(version) AS version FROM schema_versions";
const NOTE_VERSION = "INSERT INTO schema_versions (version) VALUES (?)";

export class Tables {
  readonly #storage: RowStorage;
  readonly #history: TableHistory;
  readonly #look: string;
  /** The tables exist in this code's version. False: not known yet. */
  #areThere = false;

  constructor(storage: RowStorage, history: TableHistory) {
    this.#storage = storage;
    this.#history = history;
    this.#look = `SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('${history.table}', 'schema_versions')`;
  }

  /**
   * Checks that tables exist, and migrates them to this code's version. A mere read thus leaves no
   * tables behind. Throws `NewerFormatError`.
   */
  areThere(): boolean {
    if (this.#areThere) return true;
    const version = this.#version();
    if (version > 0) this.#bringFrom(version);
    return this.#areThere;
  }

  /** Creates or migrates the tables. Throws `NewerFormatError`. */
  make(): void {
    if (!this.areThere()) this.#bringFrom(0);
  }

  /** Runs a statement. Without tables nothing happens, and there are no rows. */
  rows(query: string, ...values: SqlValue[]): Row[] {
    return this.areThere() ? this.#storage.sql.exec(query, ...values).toArray() : [];
  }

  /** Reads rows one by one, for queries with more rows than memory should hold. */
  *each(query: string, ...values: SqlValue[]): Generator<Row> {
    if (this.areThere()) yield* this.#storage.sql.exec(query, ...values);
  }

  /** Runs a statement. Returns true if a row changed; false without tables. */
  change(query: string, ...values: SqlValue[]): boolean {
    return this.areThere() && this.#storage.sql.exec(query, ...values).rowsWritten > 0;
  }

  /** Runs a statement that stores rows; makes the tables first. Returns the rows of `RETURNING`. */
  put(query: string, ...values: SqlValue[]): Row[] {
    this.make();
    return this.#storage.sql.exec(query, ...values).toArray();
  }

  /** Writes in one transaction; makes the tables first. */
  atOnce(work: () => void): void {
    this.make();
    this.#storage.transactionSync(work);
  }

  /** Deletes all rows, the tables and the alarm. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
    this.#areThere = false;
  }

  /** The stored version; 0 without tables. */
  #version(): number {
    const names = Array.from(this.#storage.sql.exec(this.#look), ({ name }) => name);
    const isNoted = names.includes("schema_versions");
    const [row] = isNoted ? this.#storage.sql.exec(READ_VERSION) : [];
    const noted = Number(row?.["version"] ?? 0);
    return noted > 0 ? noted : Number(names.includes(this.#history.table));
  }

  #bringFrom(version: number): void {
    const { what, migrations } = this.#history;
    if (version > migrations.length)
      throw new NewerFormatError(what, `schema ${version}`, migrations.length);
    const missing = migrations.slice(version);
    if (missing.length > 0) this.#storage.transactionSync(() => this.#bring(missing, version + 1));
    this.#areThere = true;
  }

  #bring(missing: readonly (readonly string[])[], first: number): void {
    const { sql } = this.#storage;
    for (const [index, statements] of missing.entries()) {
      for (const statement of statements) sql.exec(statement);
      const version = first + index;
      if (version === 1) continue;
      sql.exec(CREATE_VERSIONS);
      sql.exec(NOTE_VERSION, version);
    }
  }
}

/**
 * The tables of an object, and the version that they are of: one way for every object (invariant 11), but for a run, each of whose
 * entries has a version of its own.
 *
 * The version stands in the table `schema_versions`. Where that table is missing they are of version 1, as whatever carries no `v` is
 * of the first format: objects that live for a moment are many, and to say so would cost each of them two rows.
 *
 * Migrations are append-only. Tables of a newer version are refused with `NewerFormatError` before anything is read or written; they
 * are there, whole, for the newer code.
 */
import { NewerFormatError } from "../domain/version.ts";

/** How an object's tables came to be. */
export interface TableHistory {
  /** As who is told that newer code has made the tables knows the object. */
  readonly what: string;
  /** A table that is there from version 1 on. */
  readonly table: string;
  /** The statements that bring each version, the first one first. */
  readonly migrations: readonly (readonly string[])[];
}

/** What it uses of an object's storage. */
export interface TableStorage {
  readonly sql: {
    exec(query: string, ...values: number[]): Iterable<Readonly<Record<string, unknown>>>;
  };
  transactionSync<T>(work: () => T): T;
}

/** What the store of an object uses of its storage besides. */
export interface RowStorage extends TableStorage {
  readonly sql: {
    exec(
      query: string,
      ...values: (string | number | null)[]
    ): Iterable<Row> & { toArray(): Row[] };
  };
  deleteAll(): Promise<void>;
}

export type Row = Record<string, unknown>;

const CREATE_VERSIONS = `
  CREATE TABLE IF NOT EXISTS schema_versions (
    version INTEGER PRIMARY KEY CONSTRAINT version_is_positive CHECK (version > 0)
  ) STRICT`;
const READ_VERSION = "SELECT max(version) AS version FROM schema_versions";
const NOTE_VERSION = "INSERT INTO schema_versions (version) VALUES (?)";

export class Tables {
  readonly #storage: TableStorage;
  readonly #history: TableHistory;
  readonly #look: string;
  /** In this code's version. False: not known yet. */
  #areThere = false;

  constructor(storage: TableStorage, history: TableHistory) {
    this.#storage = storage;
    this.#history = history;
    this.#look = `SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('${history.table}', 'schema_versions')`;
  }

  /** Whether there are any, which are of this code's version then: whoever only asks leaves none behind. Throws `NewerFormatError`. */
  areThere(): boolean {
    if (this.#areThere) return true;
    const version = this.#version();
    if (version > 0) this.#bringFrom(version);
    return this.#areThere;
  }

  /** Makes them if there are none. Throws `NewerFormatError`. */
  make(): void {
    if (!this.areThere()) this.#bringFrom(0);
  }

  /** All that is stored was deleted. */
  deleted(): void {
    this.#areThere = false;
  }

  /** 0: there are none. */
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

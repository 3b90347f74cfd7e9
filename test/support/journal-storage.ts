/**
 * The storage of one object in a test without a platform: real SQL in memory, behind the contract that `Journal` has with the platform.
 *
 * Databases are used one world after the other: to open one and to prepare its statements takes longer than all that a world
 * does with it. Tables that another storage has left there, empty, are not there for this one before it creates them itself.
 */
import type { JournalStorage } from "../../src/objects/run/journal-storage.ts";
import {
  meaningOf,
  Rows,
  SqlDatabase,
  type Meaning,
  type SqlRow,
  type SqlValue,
} from "../../src/testing/platform/sql-database.ts";

const NO_ROWS = new Rows([]);
const NO_TABLES: ReadonlySet<string> = new Set();

export class MemoryStorage implements JournalStorage {
  #database: SqlDatabase | null = null;
  /** Those that were created here. */
  #tables = NO_TABLES;
  #transactions = 0;
  /** Resolves once the deletion has come through. */
  readonly #settled: () => Promise<void>;

  constructor(settled: () => Promise<void>) {
    this.#settled = settled;
  }

  readonly sql = { exec: (query: string, ...values: SqlValue[]): Rows => this.#exec(query, values) };

  get isEmpty(): boolean {
    return this.#tables.size === 0;
  }

  transactionSync<T>(work: () => T): T {
    const database = (this.#database ??= SqlDatabase.take("RunObject"));
    const [tables, created] = [this.#tables, database.created];
    this.#transactions += 1;
    database.run("SAVEPOINT tx");
    try {
      return work();
    } catch (error) {
      database.run("ROLLBACK TO tx");
      this.#tables = tables;
      database.created = created;
      throw error;
    } finally {
      database.run("RELEASE tx");
      this.#transactions -= 1;
    }
  }

  async deleteAll(): Promise<void> {
    this.close();
    await this.#settled();
  }

  /** Deletes everything. */
  close(): void {
    const database = this.#database;
    if (database === null) return;
    for (const table of this.#tables) database.clear(table);
    this.#tables = NO_TABLES;
    // What is taken back needs its database.
    if (this.#transactions > 0) return;
    this.#database = null;
    database.giveBack();
  }

  #exec(query: string, values: readonly SqlValue[]): Rows {
    const meaning = meaningOf(query);
    if (meaning.type === "look") return new Rows(this.#existing(meaning.names));
    const database = (this.#database ??= SqlDatabase.take("RunObject"));
    if (meaning.type === "create") {
      this.#create(database, query, meaning);
      return NO_ROWS;
    }
    for (const name of meaning.names) if (!this.#tables.has(name)) throw new Error(`no such table: ${name}`);
    if (meaning.type === "read") return new Rows(database.all(query, values));
    return new Rows([], database.run(query, values));
  }

  /** What `sqlite_master` says of these tables. */
  #existing(names: readonly string[]): SqlRow[] {
    return names.flatMap((name) => (this.#tables.has(name) ? [{ name, present: 1 }] : []));
  }

  #create(
    database: SqlDatabase,
    query: string,
    { name, ifMissing, isTable }: Meaning & { readonly type: "create" },
  ): void {
    if (this.#tables.has(name)) {
      if (ifMissing) return;
      throw new Error(`table ${name} already exists`);
    }
    database.create(name, query);
    // An index is there, and empty, if its table is.
    if (!isTable) return;
    this.#tables = new Set([...this.#tables, name]);
  }
}

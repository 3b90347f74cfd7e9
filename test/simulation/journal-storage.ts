/** The storage of one simulated object: real SQL in memory, behind the contract that `RunStore` has with the platform. */
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import type { JournalStorage } from "../../src/run/store.ts";

type Row = Record<string, unknown>;
type Rows = Row[] & { toArray(): Row[]; one(): Row };

export class MemoryStorage implements JournalStorage {
  #database: DatabaseSync | null = null;
  readonly #statements = new Map<string, StatementSync>();
  /** Resolves once the deletion has come through. */
  readonly #settled: () => Promise<void>;

  constructor(settled: () => Promise<void>) {
    this.#settled = settled;
  }

  readonly sql = {
    exec: (query: string, ...values: (string | number | Uint8Array | null)[]): Rows => {
      const rows: Row[] = this.#statement(query)
        .all(...values)
        .map(asObjectStorageRow);
      return Object.assign(rows, { toArray: () => rows, one: () => only(rows) });
    },
  };

  get isEmpty(): boolean {
    return this.#database === null || this.sql.exec("SELECT 1 FROM sqlite_master").length === 0;
  }

  transactionSync<T>(work: () => T): T {
    return this.undoable("inner", (undo) => {
      try {
        return work();
      } catch (error) {
        undo();
        throw error;
      }
    });
  }

  /** Runs `work`, which may take back all that it wrote. */
  undoable<T>(name: "inner" | "outer", work: (undo: () => void) => T): T {
    const database = this.#open();
    database.exec(`SAVEPOINT ${name}_tx`);
    try {
      return work(() => database.exec(`ROLLBACK TO ${name}_tx`));
    } finally {
      database.exec(`RELEASE ${name}_tx`);
    }
  }

  async deleteAll(): Promise<void> {
    this.close();
    await this.#settled();
  }

  close(): void {
    this.#statements.clear();
    this.#database?.close();
    this.#database = null;
  }

  #open(): DatabaseSync {
    this.#database ??= new DatabaseSync(":memory:");
    return this.#database;
  }

  #statement(query: string): StatementSync {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const made = this.#open().prepare(query);
    this.#statements.set(query, made);
    return made;
  }
}

/** An object's storage gives bytes as an ArrayBuffer. */
function asObjectStorageRow(row: Record<string, SQLOutputValue>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      value instanceof Uint8Array ? new Uint8Array(value).buffer : value,
    ]),
  );
}

function only(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined || rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`);
  return row;
}

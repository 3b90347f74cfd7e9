/**
 * A pool of databases in memory, with prepared statements and created tables. Opening a database
 * and preparing statements takes longer than all work of a world. Each class of objects has its own
 * databases.
 */
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";

export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Record<string, unknown>;

/** The meaning of a statement, with its tables. */
export type Meaning =
  /** Asks which tables exist. */
  | { readonly type: "look"; readonly names: readonly string[] }
  | {
      readonly type: "create";
      readonly name: string;
      readonly ifMissing: boolean;
      readonly isTable: boolean;
    }
  | { readonly type: "read"; readonly names: readonly string[] }
  /** `returns`: rows. */
  | { readonly type: "write"; readonly names: readonly string[]; readonly returns: boolean };

const MEANINGS = new Map<string, Meaning>();

/** Returns the meaning of a statement. Throws for a kind of statement that no object uses. */
export function meaningOf(query: string): Meaning {
  const known = MEANINGS.get(query);
  if (known !== undefined) return known;
  const meaning = understand(query.trim());
  MEANINGS.set(query, meaning);
  return meaning;
}

function understand(query: string): Meaning {
  const [, kind, ifMissing, created] =
    /^CREATE (TABLE|INDEX) (IF NOT EXISTS )?(\w+)/.exec(query) ?? [];
  if (created !== undefined)
    return {
      type: "create",
      name: created,
      ifMissing: ifMissing !== undefined,
      isTable: kind === "TABLE",
    };
  if (query.includes("sqlite_master"))
    return { type: "look", names: wordsIn(query, /'(\w+)'/g, ["table"]) };
  const names = wordsIn(query, /\b(?:FROM|INTO|JOIN|UPDATE) (\w+)/g, ["json_each", "SET"]);
  if (names.length === 0) throw new Error(`it is not known which tables this uses: ${query}`);
  if (/^(SELECT|WITH)\b/.test(query)) return { type: "read", names };
  return { type: "write", names, returns: /\bRETURNING\b/.test(query) };
}

function wordsIn(query: string, pattern: RegExp, except: readonly string[]): readonly string[] {
  const words = new Set([...query.matchAll(pattern)].map(([, word = ""]) => word));
  for (const word of except) words.delete(word);
  return [...words];
}

interface Prepared {
  readonly statement: StatementSync;
  /** Makes a row of the values that are read. */
  readonly rowOf: RowMaker;
}

export class SqlDatabase {
  static readonly #free = new Map<string, SqlDatabase[]>();
  readonly #kind: string;
  /** Tables and indexes. */
  created: ReadonlySet<string> = new Set();
  readonly #database = new DatabaseSync(":memory:");
  readonly #prepared = new Map<string, Prepared>();

  private constructor(kind: string) {
    this.#kind = kind;
  }

  /** Takes an unused database for a kind of object. All tables are empty. */
  static take(kind: string): SqlDatabase {
    return SqlDatabase.#free.get(kind)?.pop() ?? new SqlDatabase(kind);
  }

  giveBack(): void {
    const free = SqlDatabase.#free.get(this.#kind);
    if (free === undefined) SqlDatabase.#free.set(this.#kind, [this]);
    else free.push(this);
  }

  /** Runs a statement; returns the number of changed rows. */
  run(query: string, values: readonly SqlValue[] = []): number {
    return Number(this.#prepare(query).statement.run(...values).changes);
  }

  /** Returns rows as an object's storage does. Reading arrays takes half the time of objects. */
  all(query: string, values: readonly SqlValue[]): SqlRow[] {
    const { statement, rowOf } = this.#prepare(query);
    const rows: readonly unknown[] = statement.all(...values);
    return rows.map((row) => rowOf(Array.isArray(row) ? row : [], valueOf));
  }

  create(name: string, query: string): void {
    if (this.created.has(name)) return;
    this.#database.exec(query);
    this.created = new Set([...this.created, name]);
  }

  clear(table: string): void {
    this.run(`DELETE FROM ${table}`);
  }

  #prepare(query: string): Prepared {
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(query);
    statement.setReturnArrays(true);
    const made = { statement, rowOf: rowMakerOf(statement.columns().map(({ name }) => name)) };
    this.#prepared.set(query, made);
    return made;
  }
}

type RowMaker = (values: readonly SQLOutputValue[], valueOf: (value: unknown) => unknown) => SqlRow;

const ROW_MAKERS = new Map<string, RowMaker>();

/**
 * Returns the function that makes rows of these columns. A literal with all names makes a row many
 * times faster than a loop that sets one property after the other.
 */
function rowMakerOf(columns: readonly string[]): RowMaker {
  const properties = columns.map(
    (name, index) => `${JSON.stringify(name)}: valueOf(values[${index}])`,
  );
  const literal = properties.join(", ");
  const known = ROW_MAKERS.get(literal);
  if (known !== undefined) return known;
  // Made of the names of columns alone, each written as a string.
  // oxlint-disable-next-line typescript/no-implied-eval, typescript/consistent-type-assertions
  const made = new Function("values", "valueOf", `return {${literal}};`) as RowMaker;
  ROW_MAKERS.set(literal, made);
  return made;
}

/** An object's storage returns bytes as an ArrayBuffer. */
function valueOf(value: unknown): unknown {
  return value instanceof Uint8Array ? bufferOf(value) : value;
}

function bufferOf(bytes: Uint8Array): ArrayBufferLike {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : new Uint8Array(bytes).buffer;
}

/** Rows as `sql.exec` returns them. */
export class Rows implements Iterable<SqlRow> {
  readonly #rows: SqlRow[];
  readonly rowsWritten: number;

  constructor(rows: SqlRow[], rowsWritten = 0) {
    this.#rows = rows;
    this.rowsWritten = rowsWritten;
  }

  [Symbol.iterator](): Iterator<SqlRow> {
    return this.#rows[Symbol.iterator]();
  }

  toArray(): SqlRow[] {
    return this.#rows;
  }

  one(): SqlRow {
    const [row] = this.#rows;
    if (row === undefined || this.#rows.length !== 1)
      throw new Error(`expected one row, got ${this.#rows.length}`);
    return row;
  }
}

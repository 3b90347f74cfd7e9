/**
 * The storage of one object: real SQL in memory, the alarm, and the platform's limits. All writes
 * of a turn (between two events of the world) are one commit. The platform does the same for writes
 * without an external await in between. `commit` makes a turn durable, `rollback` undoes the turn.
 */
import {
  meaningOf,
  SqlDatabase,
  type Meaning,
  type SqlRow,
  type SqlValue,
} from "./sql-database.ts";

/** Limit of a row, a string or a blob, in bytes. */
const MAX_ROW_BYTES = 2_000_000;
const MAX_PARAMETERS = 100;

const NO_TABLES: ReadonlySet<string> = new Set();
/** The table in which the platform keeps values by their names. */
const VALUES = "_values";
const NO_VALUES: ReadonlyMap<string, string> = new Map();

/** The result of statements. */
export interface Executed {
  readonly rows: SqlRow[];
  readonly written: number;
}

const NOTHING: Executed = { rows: [], written: 0 };

const STATEMENTS = new Map<string, readonly string[]>();

/** Splits a query into statements. */
function statementsOf(query: string): readonly string[] {
  const known =
    STATEMENTS.get(query) ?? query.split(";").filter((statement) => statement.trim() !== "");
  STATEMENTS.set(query, known);
  return known;
}

export class ObjectStorage {
  readonly #kind: string;
  /** Called at an uncommitted write. */
  readonly #onWrite: () => void;
  #database: SqlDatabase | null = null;
  /** The tables of this object. The database may have further tables of an earlier user. */
  #tables = NO_TABLES;
  #values = NO_VALUES;
  #alarmAt: number | null = null;
  #isDirty = false;
  /** True if the database has uncommitted writes, which a rollback can undo. */
  #isInTurn = false;
  /** The state at the end of the last commit. */
  #durable: {
    readonly tables: ReadonlySet<string>;
    readonly alarmAt: number | null;
    readonly values: ReadonlyMap<string, string>;
  } = {
    tables: NO_TABLES,
    alarmAt: null,
    values: NO_VALUES,
  };
  /** The number of writes. */
  writes = 0;
  /** The number of written rows; setting the alarm counts as one. */
  rowsWritten = 0;

  constructor(kind: string, onWrite: () => void) {
    this.#kind = kind;
    this.#onWrite = onWrite;
  }

  /** True if nothing is stored, the alarm included. */
  get isEmpty(): boolean {
    return this.#tables.size === 0 && this.#alarmAt === null;
  }

  get tables(): ReadonlySet<string> {
    return this.#tables;
  }

  /** The alarm, committed or not, in epoch milliseconds; null without one. */
  get alarmAt(): number | null {
    return this.#alarmAt;
  }

  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Sets or deletes the alarm. */
  setAlarm(at: number | null): void {
    this.#write();
    this.#alarmAt = at;
    this.rowsWritten += 1;
  }

  /** Takes the alarm for the platform, which calls the handler. No write of the object. */
  takeAlarm(): void {
    this.#alarmAt = null;
    this.#durable = { ...this.#durable, alarmAt: null };
  }

  /** Runs one or more statements. Returns the rows of the last statement. */
  exec(query: string, values: readonly SqlValue[]): Executed {
    if (values.length > MAX_PARAMETERS) throw new Error(`too many SQL variables: ${values.length}`);
    let bytes = 0;
    for (const value of values) bytes += sizeOf(value);
    if (bytes > MAX_ROW_BYTES)
      throw new Error(`string or blob too big: ${bytes} bytes: SQLITE_TOOBIG`);
    if (values.length > 0) return this.#execOne(query, values);
    let last: Executed = NOTHING;
    for (const statement of statementsOf(query)) last = this.#execOne(statement, []);
    return last;
  }

  transactionSync<T>(work: () => T): T {
    // A rollback also undoes the tables created in the turn.
    const isFirst = !this.#isInTurn;
    const database = this.#begin();
    const [tables, created, values] = [this.#tables, database.created, this.#values];
    if (!isFirst) database.run("SAVEPOINT inner_tx");
    try {
      return work();
    } catch (error) {
      database.run(isFirst ? "ROLLBACK TO turn_tx" : "ROLLBACK TO inner_tx");
      this.#tables = tables;
      this.#values = values;
      database.created = created;
      throw error;
    } finally {
      if (!isFirst) database.run("RELEASE inner_tx");
    }
  }

  /** Reads a value by its name. A hidden table holds the values. */
  get(key: string): unknown {
    const value = this.#values.get(key);
    return value === undefined ? undefined : JSON.parse(value);
  }

  put(key: string, value: unknown): void {
    this.#write();
    this.#addTable(VALUES);
    this.#values = new Map(this.#values).set(key, JSON.stringify(value));
    this.writes += 1;
    this.rowsWritten += 1;
  }

  delete(key: string): void {
    if (!this.#tables.has(VALUES)) return;
    this.#write();
    const values = new Map(this.#values);
    this.rowsWritten += Number(values.delete(key));
    this.#values = values;
    this.writes += 1;
  }

  /** Deletes everything, the alarm included. */
  deleteAll(): void {
    this.#write();
    this.#clear((table) => this.#begin().clear(table));
    this.#alarmAt = null;
    this.writes += 1;
  }

  /** Makes all writes durable. */
  commit(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#endTurn();
    this.#durable = { tables: this.#tables, alarmAt: this.#alarmAt, values: this.#values };
    if (this.#tables.size > 0 || this.#database === null) return;
    this.#database.giveBack();
    this.#database = null;
  }

  /** Undoes all writes since the last commit. */
  rollback(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const database = this.#database;
    if (database !== null && this.#isInTurn) {
      database.run("ROLLBACK TO turn_tx");
      // Tables created since then are gone, and must be created again.
      database.created = this.#createdBefore;
    }
    this.#endTurn();
    this.#tables = this.#durable.tables;
    this.#alarmAt = this.#durable.alarmAt;
    this.#values = this.#durable.values;
  }

  /** Gives the database back at the end of the world. */
  close(): void {
    this.rollback();
    const database = this.#database;
    if (database === null) return;
    this.#clear((table) => database.clear(table));
    this.#database = null;
    database.giveBack();
  }

  /** The tables and indexes at the begin of the turn. */
  #createdBefore = NO_TABLES;

  /** Notes a write. */
  #write(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#onWrite();
  }

  /** Begins to write to the database in this turn. */
  #begin(): SqlDatabase {
    this.#write();
    const database = (this.#database ??= SqlDatabase.take(this.#kind));
    if (this.#isInTurn) return database;
    this.#isInTurn = true;
    this.#createdBefore = database.created;
    database.run("SAVEPOINT turn_tx");
    return database;
  }

  #endTurn(): void {
    if (this.#isInTurn) this.#database?.run("RELEASE turn_tx");
    this.#isInTurn = false;
  }

  #clear(clear: (table: string) => void): void {
    for (const table of this.#tables) if (table !== VALUES) clear(table);
    this.#tables = NO_TABLES;
    this.#values = NO_VALUES;
  }

  #addTable(name: string): void {
    if (this.#tables.has(name)) return;
    this.#tables = new Set([...this.#tables, name]);
    this.writes += 1;
  }

  #execOne(query: string, values: readonly SqlValue[]): Executed {
    const meaning = meaningOf(query);
    if (meaning.type === "look")
      return {
        rows: meaning.names.flatMap((name) =>
          this.#tables.has(name) ? [{ name, present: 1 }] : [],
        ),
        written: 0,
      };
    if (meaning.type === "create") {
      this.#create(query, meaning);
      return { rows: [], written: 0 };
    }
    for (const name of meaning.names)
      if (!this.#tables.has(name)) throw new Error(`no such table: ${name}`);
    if (meaning.type === "read")
      return { rows: this.#database?.all(query, values) ?? [], written: 0 };
    const database = this.#begin();
    this.writes += 1;
    if (meaning.returns) {
      const rows = database.all(query, values);
      this.rowsWritten += rows.length;
      return { rows, written: rows.length };
    }
    const written = database.run(query, values);
    this.rowsWritten += written;
    return { rows: [], written };
  }

  #create(
    query: string,
    { name, ifMissing, isTable }: Meaning & { readonly type: "create" },
  ): void {
    if (this.#tables.has(name)) {
      if (ifMissing) return;
      throw new Error(`table ${name} already exists`);
    }
    const database = this.#begin();
    database.create(name, query);
    // An index exists, and is empty, together with its table.
    if (isTable) this.#addTable(name);
  }
}

function sizeOf(value: SqlValue): number {
  if (typeof value === "string") return value.length;
  if (value === null || typeof value === "number") return 8;
  return value.byteLength;
}

/** The part of an object's storage that a run uses. */
export interface JournalStorage {
  readonly sql: {
    exec(
      query: string,
      ...values: (string | number | Uint8Array | null)[]
    ): Iterable<Row> & { toArray(): Row[] };
  };
  transactionSync<T>(work: () => T): T;
  deleteAll(): Promise<void>;
}

/** A row as SQLite returns it. */
export type Row = Record<string, unknown>;

/** The storage of an object as the worker's code sees it: `ctx.storage`. */
import type { Executed, ObjectStorage } from "./object-storage.ts";
import { Rows, type SqlValue } from "./sql-database.ts";

/**
 * Returns the storage of one life. `check` throws when the life is over. `sync` waits until the
 * writes are durable.
 */
export function storageFace(
  storage: ObjectStorage,
  check: () => void,
  sync: () => Promise<void>,
): object {
  const guarded =
    <Given extends unknown[], T>(work: (...given: Given) => T) =>
    (...given: Given): T => {
      check();
      return work(...given);
    };
  const settled =
    <Given extends unknown[], T>(work: (...given: Given) => T) =>
    async (...given: Given): Promise<T> => {
      check();
      return work(...given);
    };
  return {
    sql: {
      exec: guarded(
        (query: string, ...values: SqlValue[]) => new Cursor(storage.exec(query, values)),
      ),
    },
    kv: {
      get: guarded((key: string) => storage.get(key)),
      put: guarded((key: string, value: unknown) => storage.put(key, value)),
      delete: guarded((key: string) => storage.delete(key)),
    },
    transactionSync: guarded(<T>(work: () => T) => storage.transactionSync(work)),
    getAlarm: settled(() => storage.alarmAt),
    setAlarm: settled((at: number | Date) => storage.setAlarm(Number(at))),
    deleteAlarm: settled(() => storage.setAlarm(null)),
    deleteAll: settled(() => storage.deleteAll()),
    sync,
  };
}

/** Rows with their cost. */
class Cursor extends Rows {
  override readonly rowsWritten: number;

  constructor({ rows, written }: Executed) {
    super(rows);
    this.rowsWritten = written;
  }

  get rowsRead(): number {
    return this.toArray().length;
  }

  get columnNames(): string[] {
    return Object.keys(this.toArray()[0] ?? {});
  }
}

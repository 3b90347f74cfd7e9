/** Counts what the platform bills, by wrapping the runtime's own prototypes: the worker under test shares this isolate. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { CatalogObject } from "../../src/catalog/catalog-object.ts";
import { RunObject } from "../../src/run/run-object.ts";
import { RunSession } from "../../src/run/run-session.ts";

export interface Operations {
  /** `cursor.rowsWritten` of every statement, and one for each alarm set. */
  rowsWritten: number;
  /** Calls of a run object's methods, by themselves or in a session. */
  runCalls: number;
  /** Of these, in a session. */
  sessionCalls: number;
  /** Sessions that drivers have opened. */
  runSessions: number;
  /** Alarms of runs that fired. */
  runAlarms: number;
  /** Calls by which runs tell the catalogue how they stand. */
  catalogCalls: number;
  /** A message costs three: written, read, deleted. */
  queueOperations: number;
  /** put, list, create a multipart upload. */
  r2ClassA: number;
  /** get, head. */
  r2ClassB: number;
}

const RUN_METHODS = [
  "accept",
  "acceptOrPostpone",
  "joinedBefore",
  "claim",
  "settle",
  "begin",
  "held",
  "describe",
  "payload",
  "logs",
  "cancel",
  "untilFinal",
  "recordStep",
  "gather",
  "expectPayload",
  "expectOutput",
  "report",
  "watch",
  "awaited",
  "knowChild",
  "events",
] as const;

/** Deleting is free. */
const R2_METHODS = { r2ClassA: ["put", "list", "createMultipartUpload"], r2ClassB: ["get", "head"] } as const;

/** Counts from now on, for the rest of the test file. */
export async function countOperations(): Promise<Operations> {
  const counted: Operations = {
    rowsWritten: 0,
    runCalls: 0,
    sessionCalls: 0,
    runSessions: 0,
    runAlarms: 0,
    catalogCalls: 0,
    queueOperations: 0,
    r2ClassA: 0,
    r2ClassB: 0,
  };
  await runInDurableObject(env.RUNS.getByName("only for its prototypes"), (_, { storage }) => {
    wrap(Object.getPrototypeOf(storage.sql), "exec", (_args, cursor) => (counted.rowsWritten += rowsWrittenBy(cursor)));
    wrap(Object.getPrototypeOf(storage), "setAlarm", () => (counted.rowsWritten += 1));
  });
  for (const method of RUN_METHODS) wrap(RunObject.prototype, method, () => (counted.runCalls += 1));
  for (const method of ["claim", "settle"]) wrap(RunSession.prototype, method, () => (counted.sessionCalls += 1));
  wrap(RunObject.prototype, "session", () => (counted.runSessions += 1));
  wrap(RunObject.prototype, "alarm", () => (counted.runAlarms += 1));
  wrap(CatalogObject.prototype, "record", () => (counted.catalogCalls += 1));
  wrap(Object.getPrototypeOf(env.RUN_QUEUE), "send", () => (counted.queueOperations += 3));
  wrap(
    Object.getPrototypeOf(env.RUN_QUEUE),
    "sendBatch",
    ([messages]) => (counted.queueOperations += 3 * lengthOf(messages)),
  );
  const bucket: object = Object.getPrototypeOf(env.PAYLOADS);
  for (const method of R2_METHODS.r2ClassA) wrap(bucket, method, () => (counted.r2ClassA += 1));
  for (const method of R2_METHODS.r2ClassB) wrap(bucket, method, () => (counted.r2ClassB += 1));
  return counted;
}

/** Has `seen` told of every call of this method of a prototype, on whatever instance. */
function wrap(owner: object, method: string, seen: (args: readonly unknown[], result: unknown) => void): void {
  const original: unknown = Reflect.get(owner, method);
  if (typeof original !== "function") throw new Error(`there is no method ${method} to count`);
  Reflect.set(owner, method, function (this: unknown, ...args: unknown[]): unknown {
    const result: unknown = Reflect.apply(original, this, args);
    seen(args, result);
    return result;
  });
}

function rowsWrittenBy(cursor: unknown): number {
  return typeof cursor === "object" && cursor !== null && "rowsWritten" in cursor
    ? Number(cursor.rowsWritten)
    : Number.NaN;
}

function lengthOf(messages: unknown): number {
  return Array.isArray(messages) ? messages.length : Number.NaN;
}

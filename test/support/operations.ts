/**
 * Counts what the platform bills, by wrapping the runtime's own prototypes: the worker under test shares this isolate. No list of methods
 * is kept by hand: a method that an object gets is counted from its first call on.
 */
import { createMessageBatch } from "cloudflare:test";
import { driven } from "./driven-object.ts";
import { DurableObject } from "cloudflare:workers";
import { env } from "./env.ts";
import * as worker from "../../src/worker/worker.ts";
import { RunSession } from "../../src/objects/run/driver-session.ts";

export interface Operations {
  /** `cursor.rowsWritten` of every statement, and one for each alarm set. */
  rowsWritten: number;
  /** Calls of objects from outside, whatever the object and the method, and alarms that fired. A session is one, with all of its calls. */
  objectRequests: number;
  /** Calls of a run object's methods, by themselves or in a session, without its alarms. */
  runCalls: number;
  /** Claims: a driver makes one, and opens a session anew where it has been idle. */
  runClaims: number;
  /** Alarms of runs that fired. */
  runAlarms: number;
  /** Of all queues. A message costs three: written, read, deleted; one more for each time it is given back. */
  queueOperations: number;
  /** Of all buckets: put, list, create a multipart upload. */
  r2ClassA: number;
  /** get, head. */
  r2ClassB: number;
  /** What `objectRequests` is made of, and the calls in sessions, by class and method: `RunObject.accept`. */
  readonly calls: Record<string, number>;
}

/** Deleting is free. */
const R2_METHODS = { r2ClassA: ["put", "list", "createMultipartUpload"], r2ClassB: ["get", "head"] } as const;

/** Counts from now on, for the rest of the test file. */
export async function countOperations(): Promise<Operations> {
  const counted: Operations = {
    rowsWritten: 0,
    objectRequests: 0,
    runCalls: 0,
    runClaims: 0,
    runAlarms: 0,
    queueOperations: 0,
    r2ClassA: 0,
    r2ClassB: 0,
    calls: {},
  };
  await driven(env.RUNS.getByName("only for its prototypes")).inside(({ storage }) => {
    const sql: object = Object.getPrototypeOf(storage.sql);
    wrap(sql, "exec", { after: (_args, cursor) => (counted.rowsWritten += rowsWrittenBy(cursor)) });
    wrap(Object.getPrototypeOf(storage), "setAlarm", { after: () => (counted.rowsWritten += 1) });
  });
  countCalls(counted);
  countMessages(counted);
  const bucket: object = Object.getPrototypeOf(env.PAYLOADS);
  for (const method of R2_METHODS.r2ClassA) wrap(bucket, method, { after: () => (counted.r2ClassA += 1) });
  for (const method of R2_METHODS.r2ClassB) wrap(bucket, method, { after: () => (counted.r2ClassB += 1) });
  return counted;
}

function countCalls(counted: Operations): void {
  // A method that an object calls on itself, or a session on its object, is no request of its own.
  let depth = 0;
  const leave = (): void => void (depth -= 1);
  for (const [name, object] of Object.entries(worker)) {
    if (typeof object !== "function" || !(object.prototype instanceof DurableObject)) continue;
    for (const method of methodsOf(object.prototype))
      wrap(object.prototype, method, {
        leave,
        before: () => {
          if (depth++ > 0) return;
          counted.objectRequests += 1;
          noteCall(counted, `${name}.${method}`);
        },
      });
  }
  for (const method of methodsOf(RunSession.prototype))
    wrap(RunSession.prototype, method, {
      leave,
      before: () => {
        depth += 1;
        noteCall(counted, `RunSession.${method}`);
      },
    });
}

function noteCall(counted: Operations, name: string): void {
  counted.calls[name] = (counted.calls[name] ?? 0) + 1;
  if (name === "RunObject.alarm") counted.runAlarms += 1;
  else if (name.startsWith("Run") && name !== "RunObject.session") counted.runCalls += 1;
  if (name === "RunSession.claim" || name === "RunObject.claim") counted.runClaims += 1;
}

function countMessages(counted: Operations): void {
  const queue: object = Object.getPrototypeOf(env.RUN_QUEUE);
  wrap(queue, "send", { after: () => (counted.queueOperations += 3) });
  wrap(queue, "sendBatch", { after: ([messages]) => (counted.queueOperations += 3 * lengthOf(messages)) });
  const batch = createMessageBatch("only-for-its-prototypes", [
    { id: "1", timestamp: new Date(), attempts: 1, body: 0 },
  ]);
  const [message] = batch.messages;
  if (message === undefined) throw new Error("the batch has no message");
  wrap(Object.getPrototypeOf(message), "retry", { after: () => (counted.queueOperations += 1) });
}

/** Methods of the class and its base classes, also those that other methods call. Private ones are not among them. */
function methodsOf(prototype: object): string[] {
  const names = new Set<string>();
  for (
    let one = prototype;
    one !== DurableObject.prototype && one !== Object.prototype;
    one = Object.getPrototypeOf(one)
  )
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(one)))
      if (name !== "constructor" && typeof value === "function") names.add(name);
  return [...names];
}

interface Watch {
  before?(): void;
  /** Once the method has returned. */
  after?(args: readonly unknown[], result: unknown): void;
  leave?(): void;
}

/** Has `watch` told of every call of this method of a prototype, on whatever instance; of an inherited one, as the base class has it at the call. */
function wrap(owner: object, method: string, watch: Watch): void {
  const own = Object.getOwnPropertyDescriptor(owner, method);
  const base: object = Object.getPrototypeOf(owner);
  const original = (): unknown => (own === undefined ? Reflect.get(base, method) : own.value);
  if (typeof original() !== "function") throw new Error(`there is no method ${method} to count`);
  Reflect.set(owner, method, function (this: unknown, ...args: unknown[]): unknown {
    const called = original();
    if (typeof called !== "function") throw new Error(`there is no method ${method} to call`);
    watch.before?.();
    try {
      const result: unknown = Reflect.apply(called, this, args);
      watch.after?.(args, result);
      return result;
    } finally {
      watch.leave?.();
    }
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

/**
 * The common part of all chaos tasks: reports the input to the recorder before any work, and the
 * output right before passing the output on. Each attempt passes different data: the origin of all
 * data is known.
 */
import { currentTask, passToChildTask } from "peach/task-helpers";

/** Above inline_limit: payloads of this size are stored in R2. */
const LARGE_BYTES = 40_000;
const MAX_PAUSE_MS = 150;

/**
 * Reports the start of this attempt. `item`: the client's name of the trigger, on the root task;
 * `user`: the user whose slot is taken.
 */
export async function begin(
  read: Readonly<Record<string, string>>,
  item: string | null,
  user: string | null = null,
): Promise<void> {
  await report({ event: "start", item, read, ...(user !== null && { user }) });
  await takeMs(Math.random() * MAX_PAUSE_MS);
}

/** Digests of a task's input: by parent if it has several, else under the empty name. */
export async function digestsOf(payload: unknown): Promise<Record<string, string>> {
  if (payload === undefined) return {};
  const byParent =
    isMapping(payload) && Object.values(payload).some(isPassed)
      ? Object.entries(payload)
      : [["", payload] as const];
  const digests = byParent.map(async ([parent, value]) => [parent, await digestOf(value)] as const);
  return Object.fromEntries(await Promise.all(digests));
}

/** The client's name of this trigger; null for another task's output. */
export function itemOf(payload: unknown): string | null {
  return isMapping(payload) && typeof payload["item"] === "string" ? payload["item"] : null;
}

/** The user of a payload; null: none. */
export function userOf(payload: unknown): string | null {
  return isMapping(payload) && typeof payload["user"] === "string" ? payload["user"] : null;
}

/** Passes a small value of this attempt, with the user if there is one. */
export async function passValue(user: string | null = null): Promise<void> {
  const value = { ...stampOf(), ...(user !== null && { user }) };
  await report({ event: "end", passed: await digestOf(value), to: {} });
  passToChildTask(value);
}

/** Passes bytes of this attempt, and different bytes to the child. */
export async function passBytes(child: string | null): Promise<void> {
  const bytes = bytesOf(JSON.stringify(stampOf()), LARGE_BYTES);
  const other =
    child === null
      ? null
      : { child, bytes: bytesOf(`for ${child}: ${JSON.stringify(stampOf())}`, LARGE_BYTES) };
  const to = other === null ? {} : { [other.child]: await digestOf(other.bytes) };
  await report({ event: "end", passed: await digestOf(bytes), to });
  passToChildTask(bytes);
  if (other !== null) passToChildTask(other.bytes, { to: other.child });
}

/** Passes a stream of this many bytes, in pieces. */
export async function passStream(size: number): Promise<void> {
  const bytes = bytesOf(JSON.stringify(stampOf()), size);
  await report({ event: "end", passed: await digestOf(bytes), to: {} });
  let offset = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (offset < size) controller.enqueue(bytes.slice(offset, offset + LARGE_BYTES));
      else controller.close();
      offset += LARGE_BYTES;
    },
  });
  passToChildTask(stream);
}

/** Sends a report to the recorder, which answers after writing it down. */
export async function report(data: Readonly<Record<string, unknown>>): Promise<void> {
  const { runId: run, name: task, attempt, env } = currentTask();
  const url: unknown = Reflect.get(env, "RECORDER_URL");
  if (typeof url !== "string") throw new Error("RECORDER_URL is not set");
  const answer = await fetch(url, {
    method: "POST",
    body: JSON.stringify({ run, task, attempt, ...data }),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the recorder answered ${answer.status}`);
}

export async function takeMs(ms: number): Promise<void> {
  await scheduler.wait(ms);
}

/** SHA-256 of the bytes, or of the value's JSON. */
export async function digestOf(value: unknown): Promise<string> {
  const bytes =
    value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Repeats the text up to the size. */
function bytesOf(text: string, size: number): Uint8Array {
  return new TextEncoder().encode(text.repeat(Math.ceil(size / text.length)).slice(0, size));
}

function stampOf(): { by: string; attempt: number; nonce: string } {
  const { name, attempt } = currentTask();
  return { by: name, attempt, nonce: crypto.randomUUID() };
}

/** True for values of `passValue` and `passBytes`. */
function isPassed(value: unknown): boolean {
  return value instanceof Uint8Array || (isMapping(value) && typeof value["nonce"] === "string");
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !(value instanceof Uint8Array) &&
    !(value instanceof ReadableStream)
  );
}

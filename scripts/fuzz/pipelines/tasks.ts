import { currentTask, log, objectEventsFrom, task, triggerTaskWithEvent } from "peach/task-helpers";
import * as z from "zod";

export async function echo(payload: unknown): Promise<unknown> {
  log.info("echoed", { type: typeof payload });
  return payload;
}

export function sink(): null {
  return null;
}

export const typed = task({
  input: z.unknown().refine((value) => value === null),
  run: async () => "null",
});

export const texts = task({ input: z.array(z.string()), run: async (given) => given.length });

/** Rows by name, each of which can be wrong in several ways. */
export const table = task({
  input: z.record(
    z.string().max(3),
    z.union([
      z.strictObject({ id: z.int(), tags: z.array(z.string().min(2)) }),
      z.array(z.number()),
    ]),
  ),
  run: async (rows) => Object.keys(rows).length,
});

/** A value of any depth, read by recursion. */
export const tree = task({ input: z.json(), run: async () => "a tree" });

export function ask(): string {
  return currentTask().completionUrl;
}

export function answer(request: Request): unknown {
  return { method: request.method };
}

export async function measure(request: Request): Promise<unknown> {
  return { bytes: (await request.arrayBuffer()).byteLength };
}

export async function fails(request: Request): Promise<never> {
  await request.text();
  throw new Error("the password is 1234");
}

export async function objects(request: Request): Promise<unknown> {
  const events = await objectEventsFrom(request);
  return { events: events.length };
}

/** A typical endpoint: passes the request's body on. */
export async function relay(request: Request): Promise<unknown> {
  const payload: unknown = await request.json();
  try {
    const { runId } = await triggerTaskWithEvent("texts", payload);
    return { runId };
  } catch {
    return { error: "the texts are none" };
  }
}

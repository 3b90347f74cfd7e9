/**
 * A task that the test drives by hand: every attempt waits until the test says how it ends.
 *
 * The worker under test runs in the same isolate as the test, so both see these calls. But a promise that is settled in another
 * invocation's context than the one that awaits it can hang the pool, so both sides watch plain data.
 */
import { vi } from "vitest";
import type { TaskContext } from "../../../../src/task-helpers.ts";

const WATCH = { interval: 1, timeout: 30_000 } as const;

export class Call {
  readonly task: TaskContext;
  readonly payload: unknown;
  #ending: { readonly value: unknown } | { readonly error: unknown } | null = null;

  constructor(payload: unknown, task: TaskContext) {
    this.payload = payload;
    this.task = task;
  }

  succeed(value?: unknown): void {
    this.#ending = { value };
  }

  fail(error: unknown): void {
    this.#ending = { error };
  }

  /** Resolves or rejects once the test has said how. */
  async ended(): Promise<unknown> {
    const ending = await vi.waitFor(
      () => this.#ending ?? Promise.reject(new Error("the test never ended this call")),
      WATCH,
    );
    if ("error" in ending) throw ending.error;
    return ending.value;
  }
}

const arrived: Call[] = [];

/** The task method. */
export async function scripted(payload: unknown, task: TaskContext): Promise<unknown> {
  const call = new Call(payload, task);
  arrived.push(call);
  return call.ended();
}

/** Takes the next call of this run (and task), now or when it comes. */
export function nextCall(runId: string, task?: string): Promise<Call> {
  return vi.waitFor(() => {
    const index = arrived.findIndex(
      (call) => call.task.runId === runId && (task === undefined || call.task.name === task),
    );
    const [call] = index === -1 ? [] : arrived.splice(index, 1);
    if (call === undefined)
      throw new Error(
        `no call of ${task ?? "any task"} of ${runId}; waiting are ${arrived.map(({ task: { name } }) => name).join(", ")}`,
      );
    return call;
  }, WATCH);
}

/** Calls of this run that nobody has taken yet. */
export function callsWaiting(runId: string): number {
  return arrived.filter(({ task }) => task.runId === runId).length;
}

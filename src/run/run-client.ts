/**
 * How everybody else reaches a run object: a fresh stub for each attempt (one that has failed stays broken), a few tries with
 * jittered pauses when the surroundings fail, and `RunUnreachableError` when they keep failing. All methods of `RunRpc` may be
 * called again: an accept finds its run, a settle of the past is ignored, a claim that was lost comes back by its lease.
 */
import type { RunId } from "../core/ids.ts";
import type { RunRpc } from "./run-rpc.ts";

/** About seven seconds in all: a driver's result is worth waiting for, and its lease has ten seconds of grace. */
const PAUSES_MS = [50, 200, 800, 2_000, 4_000] as const;

/** What the platform says where it sets no flag (Durable Objects, troubleshooting). */
const PASSING_MESSAGE =
  /durable object.*(reset|overloaded|no longer active)|network connection lost|connection closed/i;

/** Calls the object of this run, with bounded retries. Rejects only when the surroundings keep failing. */
export async function callRun<T>(env: Env, runId: RunId, call: (run: RunRpc) => Promise<T>): Promise<T> {
  try {
    return await callWithRetries(() => call(stubOf(env, runId)));
  } catch (error) {
    throw isPassing(error) ? new RunUnreachableError(runId, error) : error;
  }
}

/** Calls of one run's object. Rejects as `callRun` does. */
export type RunCaller = <T>(call: (run: RunRpc) => Promise<T>) => Promise<T>;

/** Makes a call of an object, on a fresh stub each time, until it is answered; rejects with the last error. */
export async function callWithRetries<T>(call: () => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await call();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await scheduler.wait(pauseMs * (isOverload(error) ? 2 : 1) * (0.5 + Math.random() / 2));
    }
  }
  return call();
}

/**
 * The run object could not be reached, however often it was tried. Told apart from what a task's own calls throw: those may look
 * alike (a lost connection of its fetch), and are the task's failure.
 */
export class RunUnreachableError extends Error {
  override readonly name = "RunUnreachableError";
  readonly retryable = true;

  constructor(runId: RunId, cause: unknown) {
    super(`the run ${runId} cannot be reached now: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** A WebSocket on which the run tells what happens to it, as the answer to its upgrade; null: there is no such run. */
export async function openRunSocket(env: Env, runId: RunId, after: number | null): Promise<Response | null> {
  const url = `https://run/${after === null ? "" : `?after=${after}`}`;
  const upgrade = { headers: { Upgrade: "websocket" } };
  // A WebSocket is no value of a call: it comes with the answer to a request.
  const answer = await callWithRetries(() => env.RUNS.getByName(runId).fetch(url, upgrade));
  return answer.status === 404 ? null : answer;
}

function stubOf(env: Env, runId: RunId): RunRpc {
  return env.RUNS.getByName(runId);
}

/** Whether the surroundings failed, not the call: a reset, an overload, a lost connection, a code update. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    ["retryable", "overloaded", "durableObjectReset"].some((flag) => hasFlag(error, flag)) ||
    PASSING_MESSAGE.test(error.message)
  );
}

function isOverload(error: unknown): boolean {
  return error instanceof Error && hasFlag(error, "overloaded");
}

function hasFlag(error: Error, flag: string): boolean {
  return Reflect.get(error, flag) === true;
}

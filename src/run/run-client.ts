/**
 * How everybody else reaches a run object: a fresh stub for each attempt (one that has failed stays broken), a few tries with
 * jittered pauses when the surroundings fail, and the error itself when they keep failing. All methods of `RunRpc` may be
 * called again: an accept finds its run, a settle of the past is ignored, a claim that was lost comes back by its lease.
 */
import type { RunId } from "../core/ids.ts";
import type { RunRpc } from "./run-rpc.ts";

/** About seven seconds in all: a driver's result is worth waiting for, and its lease has ten seconds of grace. */
const PAUSES_MS = [50, 200, 800, 2_000, 4_000] as const;

/** Calls the object of this run, with bounded retries. Rejects only when the surroundings keep failing. */
export async function callRun<T>(env: Env, runId: RunId, call: (run: RunRpc) => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await call(stubOf(env, runId));
    } catch (error) {
      if (!isPassing(error)) throw error;
      await scheduler.wait(pauseMs * (isOverload(error) ? 2 : 1) * (0.5 + Math.random() / 2));
    }
  }
  return call(stubOf(env, runId));
}

function stubOf(env: Env, runId: RunId): RunRpc {
  // The binding's generated type does not name the class; its methods are those of RunRpc, which RunObject implements.
  return env.RUNS.getByName(runId) as unknown as RunRpc;
}

/** Whether the surroundings failed, not the call: a reset, an overload, a lost connection, a code update. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const flags = error as Error & { retryable?: boolean; overloaded?: boolean; durableObjectReset?: boolean };
  return flags.retryable === true || flags.overloaded === true || flags.durableObjectReset === true || /reset|overloaded|no longer active|Network connection lost/i.test(error.message);
}

function isOverload(error: unknown): boolean {
  return error instanceof Error && "overloaded" in error && error.overloaded === true;
}

/**
 * Calls a run object: a fresh stub for each attempt, a few retries with jittered delays when the
 * infrastructure fails, a time limit, and `RunUnreachableError` in the end. All methods of `RunRpc`
 * are idempotent: an accept finds the run, a late settlement is ignored, a claim names the call and
 * gets the same leases, and cancel and retry name the call and change nothing more.
 */
import type { Credential } from "../../domain/identity.ts";
import type { RunId } from "../../domain/ids.ts";
import { callWithRetries, isTransient, type CallPolicy } from "../../platform/calls.ts";
import type { RunRpc } from "./run-rpc.ts";

/**
 * Retries for about seven seconds if the object refuses: a driver's result is worth the wait, and
 * its lease has ten seconds of grace. An object without an answer may be busy with a long queue:
 * the limit is the length of the grace.
 */
const PERSISTENTLY: CallPolicy = { delaysMs: [50, 200, 800, 2_000, 4_000], limitMs: 10_000 };

/**
 * Calls the object of this run, with bounded retries. Rejects only when the infrastructure keeps
 * failing. `takesMs`: the longest expected duration of a call that waits.
 */
export async function callRun<T>(
  env: Env,
  runId: RunId,
  call: (run: RunRpc) => Promise<T>,
  takesMs = 0,
): Promise<T> {
  const policy = { ...PERSISTENTLY, limitMs: PERSISTENTLY.limitMs + takesMs };
  try {
    return await callWithRetries("the run", () => call(stubOf(env, runId)), policy);
  } catch (error) {
    throw isTransient(error) ? new RunUnreachableError(runId, error) : error;
  }
}

/** Calls the object of one run. Rejects as `callRun` does. */
export type RunCaller = <T>(call: (run: RunRpc) => Promise<T>) => Promise<T>;

/**
 * The run object stayed unreachable after all retries. The class separates the error from errors of
 * a task's own calls, which may look alike (a lost connection of a fetch) and are the task's
 * failure.
 */
export class RunUnreachableError extends Error {
  override readonly name = "RunUnreachableError";
  readonly retryable = true;

  constructor(runId: RunId, cause: unknown) {
    super(
      `the run ${runId} cannot be reached now: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
}

/**
 * Opens a WebSocket with the run's events, as the answer to an upgrade; the socket lives as long as
 * the credential is valid. Null: no such run. `full`: too many subscribers. `after`: the position
 * of the last known event.
 */
export async function openRunSocket(
  env: Env,
  runId: RunId,
  credential: Credential,
  after: number | null,
): Promise<Response | "full" | null> {
  const query = new URLSearchParams({ credential: JSON.stringify(credential) });
  if (after !== null) query.set("after", String(after));
  const url = `https://run/?${query.toString()}`;
  const upgrade = { headers: { Upgrade: "websocket" } };
  // A WebSocket cannot be returned by a call, only by a response.
  const answer = await callWithRetries(
    "the run",
    () => env.RUNS.getByName(runId).fetch(url, upgrade),
    PERSISTENTLY,
  );
  if (answer.status === 429) return "full";
  return answer.status === 404 ? null : answer;
}

function stubOf(env: Env, runId: RunId): RunRpc {
  return env.RUNS.getByName(runId);
}

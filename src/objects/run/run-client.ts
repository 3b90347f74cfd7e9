/**
 * How everybody else reaches a run object: a fresh stub for each attempt, a few tries with jittered pauses when the surroundings
 * fail, a limit of time, and `RunUnreachableError` when they keep failing. All methods of `RunRpc` may be
 * called again: an accept finds its run, a settle of the past is ignored, a claim names its call and gets the same leases, a cancel and a
 * retry name theirs and change nothing more.
 */
import type { Credential } from "../../domain/identity.ts";
import type { RunId } from "../../domain/ids.ts";
import { callWithRetries, isPassing, type CallPolicy } from "../../platform/calls.ts";
import type { RunRpc } from "./run-rpc.ts";

/**
 * About seven seconds in all, if the object answers that it cannot: a driver's result is worth waiting for, and its lease has ten
 * seconds of grace. One that does not answer at all may be a busy one with a long queue: it is waited for as long as that grace.
 */
const PERSISTENTLY: CallPolicy = { pausesMs: [50, 200, 800, 2_000, 4_000], limitMs: 10_000 };

/**
 * Calls the object of this run, with bounded retries. Rejects only when the surroundings keep failing. `takesMs`: how long the call
 * itself may take, if it is one that waits for something.
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
    throw isPassing(error) ? new RunUnreachableError(runId, error) : error;
  }
}

/** Calls of one run's object. Rejects as `callRun` does. */
export type RunCaller = <T>(call: (run: RunRpc) => Promise<T>) => Promise<T>;

/**
 * The run object could not be reached, however often it was tried. Told apart from what a task's own calls throw: those may look
 * alike (a lost connection of its fetch), and are the task's failure.
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
 * A WebSocket on which the run tells what happens to it, as long as the bearer of the credential is let in, as the answer to its upgrade;
 * null: there is no such run; `full`: as many as may listen to it already. `after`: the position that was heard up to.
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
  // A WebSocket is no value of a call: it comes with the answer to a request.
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

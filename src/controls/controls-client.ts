/**
 * How everybody else reaches the controls object, and what this isolate keeps of it: the list of paused tasks, nearly always empty.
 * A driver never waits for it while it is younger than `KEPT_MS.atMost`; from `KEPT_MS.fresh` on it is read again beside the work.
 * So a pause is known everywhere within five seconds, at once in the isolate that has served the call.
 */
import { callWithRetries } from "../run/run-client.ts";
import type { ClaimRequest } from "../run/run-rpc.ts";
import type { ControlsRpc, PausedTask } from "./controls-rpc.ts";

const NAME = "controls";
const KEPT_MS = { fresh: 2_000, atMost: 5_000 } as const;

interface Kept {
  readonly tasks: readonly string[];
  readonly at: number;
}

/** Of this isolate; one isolate serves one deployment. */
let kept: Kept | null = null;
/** When it was last begun to read it beside the work. */
let begunAt = Number.NEGATIVE_INFINITY;

/** Calls the object, with bounded retries. Rejects when the surroundings keep failing. */
export async function callControls<T>(env: Env, call: (controls: ControlsRpc) => Promise<T>): Promise<T> {
  return callWithRetries(() => call(env.CONTROLS.getByName(NAME)));
}

/** What a call that changed something has answered is known here at once. */
export function keepPaused(paused: readonly PausedTask[]): readonly PausedTask[] {
  kept = { tasks: paused.map(({ task }) => task), at: Date.now() };
  return paused;
}

/** The paused tasks as a driver passes them on: undefined if there are none, which is to cost nothing. Never rejects. */
export function pausedTasks(env: Env): readonly string[] | undefined | Promise<readonly string[] | undefined> {
  const now = Date.now();
  // Not shared with others: a promise of another invocation may never come.
  if (kept === null || Math.abs(now - kept.at) >= KEPT_MS.atMost) return read(env).then(unlessNone);
  if (now - kept.at >= KEPT_MS.fresh && Math.abs(now - begunAt) >= KEPT_MS.fresh) {
    begunAt = now;
    void read(env);
  }
  return unlessNone(kept.tasks);
}

/** Asks for work with what is known to be paused; without any wait if nothing is. */
export function withPaused<T>(env: Env, claim: ClaimRequest, ask: (claim: ClaimRequest) => Promise<T>): Promise<T> {
  const known = pausedTasks(env);
  if (known === undefined) return ask(claim);
  if (!(known instanceof Promise)) return ask({ ...claim, paused: known });
  return known.then((paused) => ask(paused === undefined ? claim : { ...claim, paused }));
}

/** If the object cannot be reached, what was known before counts: work goes on, and is held back once it can. */
async function read(env: Env): Promise<readonly string[]> {
  try {
    return keepPaused(await env.CONTROLS.getByName(NAME).paused()).map(({ task }) => task);
  } catch (error) {
    console.warn(JSON.stringify({ message: "paused tasks could not be read", error: String(error) }));
    return kept?.tasks ?? [];
  }
}

function unlessNone(tasks: readonly string[]): readonly string[] | undefined {
  return tasks.length === 0 ? undefined : tasks;
}

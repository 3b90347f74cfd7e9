/**
 * How everybody else reaches the controls object, and what this isolate keeps of it: the list of paused tasks, nearly always empty.
 * A driver never waits for it while it is younger than `KEPT_MS.atMost`; from `KEPT_MS.fresh` on it is read again beside the work.
 * So a pause is known everywhere within five seconds, at once in the isolate that has served the call.
 *
 * If the object does not answer, nothing stops for longer than `LIMIT_MS` and the second that its copy may take (`paused-copy.ts`):
 * what this isolate has known, and what the copy says, stays paused for as long as that lasts, all else goes on, and nobody waits for
 * the object again while it is being asked beside the work. A paused task starts in spite of it only in an isolate that has just
 * begun, if neither the object nor R2 answers. A resumed one is started again once the object is back.
 */
import { callWithRetries, within } from "../../platform/calls.ts";
import type { ClaimRequest } from "../run/run-rpc.ts";
import type { ControlsRpc, PausedTask } from "./pauses-rpc.ts";
import { readCopy } from "./paused-copy.ts";

const NAME = "controls";
const KEPT_MS = { fresh: 2_000, atMost: 5_000 } as const;

/** Of asking the object which tasks are paused. Milliseconds. */
const LIMIT_MS = 2_000;

/** After it could not be asked, nobody waits for it for so long. Milliseconds. */
const NOT_WAITED_MS = 30_000;

interface Kept {
  readonly tasks: readonly string[];
  readonly at: number;
}

/** Of this isolate; one isolate serves one deployment. */
let kept: Kept | null = null;
/** When it was last begun to read it beside the work. */
let begunAt = Number.NEGATIVE_INFINITY;
/** When it could not be read last; -Infinity: it could. */
let failedAt = Number.NEGATIVE_INFINITY;

/** Calls the object, with bounded retries. Rejects when the surroundings keep failing. */
export async function callControls<T>(
  env: Env,
  call: (controls: ControlsRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the controls", () => call(env.CONTROLS.getByName(NAME)));
}

/** What a call that changed something has answered is known here at once. */
export function keepPaused(paused: readonly PausedTask[]): readonly PausedTask[] {
  kept = { tasks: paused.map(({ task }) => task), at: Date.now() };
  failedAt = Number.NEGATIVE_INFINITY;
  return paused;
}

/** The paused tasks as a driver passes them on: undefined if there are none, which is to cost nothing. Never rejects. */
export function pausedTasks(
  env: Env,
): readonly string[] | undefined | Promise<readonly string[] | undefined> {
  const now = Date.now();
  // Not shared with others: a promise of another invocation may never come.
  if (kept === null) return read(env).then(unlessNone);
  const age = Math.abs(now - kept.at);
  if (age >= KEPT_MS.atMost && Math.abs(now - failedAt) >= NOT_WAITED_MS)
    return read(env).then(unlessNone);
  if (age >= KEPT_MS.fresh && Math.abs(now - begunAt) >= KEPT_MS.fresh) {
    begunAt = now;
    void read(env);
  }
  return unlessNone(kept.tasks);
}

/** Asks for work with what is known to be paused; without any wait if nothing is. */
export function withPaused<T>(
  env: Env,
  claim: ClaimRequest,
  ask: (claim: ClaimRequest) => Promise<T>,
): Promise<T> {
  const known = pausedTasks(env);
  if (known === undefined) return ask(claim);
  if (!(known instanceof Promise)) return ask({ ...claim, paused: known });
  return known.then((paused) => ask(paused === undefined ? claim : { ...claim, paused }));
}

/** Resolves always: if the object cannot be asked, to what was known before, and what its copy says. */
async function read(env: Env): Promise<readonly string[]> {
  try {
    const paused = await within(LIMIT_MS, "the controls", env.CONTROLS.getByName(NAME).paused());
    return keepPaused(paused).map(({ task }) => task);
  } catch (error) {
    failedAt = Date.now();
    console.warn(
      JSON.stringify({ message: "paused tasks could not be read", error: String(error) }),
    );
  }
  const copied = await readCopy(env.PAYLOADS).catch((error: unknown) => {
    console.warn(
      JSON.stringify({
        message: "the copy of paused tasks could not be read",
        error: String(error),
      }),
    );
    return [];
  });
  // It may have been read meanwhile.
  if (failedAt === Number.NEGATIVE_INFINITY && kept !== null) return kept.tasks;
  kept = { tasks: [...new Set([...(kept?.tasks ?? []), ...copied])], at: Date.now() };
  return kept.tasks;
}

function unlessNone(tasks: readonly string[]): readonly string[] | undefined {
  return tasks.length === 0 ? undefined : tasks;
}

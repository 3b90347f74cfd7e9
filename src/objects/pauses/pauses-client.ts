/**
 * The client of the pauses object, with a cache of the paused tasks in this isolate; the list is
 * nearly always empty. A driver never waits for a list younger than `KEPT_MS.atMost`; from
 * `KEPT_MS.fresh` on, the list is refreshed beside the work. A pause is therefore known everywhere
 * within five seconds, and at once in the isolate that served the call.
 *
 * An unreachable object delays a driver by at most `LIMIT_MS`, plus one second for the copy in R2
 * (`paused-copy.ts`). Tasks that this isolate or the copy lists as paused stay paused meanwhile,
 * and all other tasks go on. No further call waits for the object for `NOT_WAITED_MS`; the list is
 * refreshed beside the work. A paused task can start only in a new isolate, and only if neither the
 * object nor R2 answers. A resumed task starts once the object is back.
 */
import { callWithRetries, within } from "../../platform/calls.ts";
import type { ClaimRequest } from "../run/lease-rpc.ts";
import type { PausesRpc, PausedTask } from "./pauses-rpc.ts";
import { readCopy } from "./paused-copy.ts";
import { log } from "../../platform/log.ts";

const NAME = "pauses";
const KEPT_MS = { fresh: 2_000, atMost: 5_000 } as const;

/** Time limit of a read of the paused tasks. Milliseconds. */
const LIMIT_MS = 2_000;

/** Time after a failed read in which no caller waits for the object. Milliseconds. */
const NOT_WAITED_MS = 30_000;

interface Kept {
  readonly tasks: readonly string[];
  /** Actors that paused them, by task, as far as known. */
  readonly by: Readonly<Record<string, string>>;
  readonly at: number;
}

/** The cached list of this isolate; an isolate serves one deployment. */
let kept: Kept | null = null;
/** Start of the last refresh beside the work. Epoch milliseconds. */
let begunAt = Number.NEGATIVE_INFINITY;
/** Time of the last failed read; -Infinity after a success. Epoch milliseconds. */
let failedAt = Number.NEGATIVE_INFINITY;

/** Calls the object, with bounded retries. Rejects when all tries fail. */
export async function callPauses<T>(env: Env, call: (pauses: PausesRpc) => Promise<T>): Promise<T> {
  return callWithRetries("the pauses object", () => call(env.PAUSES.getByName(NAME)));
}

/** Caches the answer of a call that changed the paused tasks. */
export function keepPaused(paused: readonly PausedTask[]): readonly PausedTask[] {
  kept = {
    tasks: paused.map(({ task }) => task),
    by: Object.fromEntries(paused.map(({ task, by }) => [task, by])),
    at: Date.now(),
  };
  failedAt = Number.NEGATIVE_INFINITY;
  return paused;
}

/**
 * Returns the paused tasks for a claim of a driver. Undefined without paused tasks, so that the
 * usual case costs nothing. Never rejects.
 */
export function pausedTasks(
  env: Env,
): readonly string[] | undefined | Promise<readonly string[] | undefined> {
  const now = Date.now();
  // Not shared between invocations: a promise of another invocation may never settle.
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

/** Claims work with the known paused tasks; without any wait if no task is paused. */
export function withPaused<T>(
  env: Env,
  claim: ClaimRequest,
  ask: (claim: ClaimRequest) => Promise<T>,
): Promise<T> {
  const known = pausedTasks(env);
  if (known === undefined) return ask(claim);
  const asked = (paused: readonly string[]): Promise<T> =>
    ask({ ...claim, paused, pausedBy: pausedBy() });
  if (!(known instanceof Promise)) return asked(known);
  return known.then((paused) => (paused === undefined ? ask(claim) : asked(paused)));
}

/** Returns who paused the tasks of the cached list, by task. */
export function pausedBy(): Readonly<Record<string, string>> {
  return kept?.by ?? {};
}

/**
 * Reads the paused tasks. Always resolves: an unreachable object leaves the cached list and the
 * copy in R2.
 */
async function read(env: Env): Promise<readonly string[]> {
  try {
    const paused = await within(LIMIT_MS, "the pauses object", env.PAUSES.getByName(NAME).paused());
    return keepPaused(paused).map(({ task }) => task);
  } catch (error) {
    failedAt = Date.now();
    log("warn", "paused tasks could not be read", { error });
  }
  const copied = await readCopy(env.PAYLOADS).catch((error: unknown) => {
    log("warn", "the copy of paused tasks could not be read", { error });
    return [];
  });
  // Another call may have read the list meanwhile.
  if (failedAt === Number.NEGATIVE_INFINITY && kept !== null) return kept.tasks;
  const tasks = [...new Set([...(kept?.tasks ?? []), ...copied])];
  kept = { tasks, by: kept?.by ?? {}, at: Date.now() };
  return kept.tasks;
}

function unlessNone(tasks: readonly string[]): readonly string[] | undefined {
  return tasks.length === 0 ? undefined : tasks;
}

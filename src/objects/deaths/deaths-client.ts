/** How executor objects and runs reach the object that knows of deaths. It is asked only after a death: nothing that goes well costs a call. */
import type { RunId } from "../../domain/ids.ts";
import type { Trial } from "../../domain/trials.ts";
import { callWithRetries, type CallPolicy } from "../../platform/calls.ts";
import { sha256 } from "../../platform/sha256.ts";
import type { DeathsRpc } from "./deaths-rpc.ts";

const NAME = "deaths";

/** Of trials: whoever asks does so again soon, and nobody waits for it. */
const ONCE: CallPolicy = { pausesMs: [], limitMs: 2_000 };

/** Of deaths that nobody tells again: others may be taken for their cause. */
const FOR_A_WHILE: CallPolicy = { pausesMs: [100, 500, 2_000, 6_000, 12_000], limitMs: 5_000 };

export interface Death {
  readonly runId: RunId;
  /** Whose of the run: a task or an item by its ordinal; null: drivers. */
  readonly ordinal: number | null;
  readonly attempt: number;
  /** How long ago it was begun, in milliseconds. */
  readonly ageMs: number;
  /** How long ago its death was found; absent: just now. */
  readonly agoMs?: number;
}

interface Drivers {
  readonly token: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/**
 * Notes that an attempt has died with its worker. Resolves to those attempts of its task that have died while nobody else did; to null
 * if the object cannot be told: then nobody is to blame yet, and it is told later.
 */
export async function noteDeath(
  env: Env,
  { runId, ordinal, attempt, ageMs, agoMs = 0 }: Death,
  policy?: CallPolicy,
): Promise<readonly number[] | null> {
  const who = await victimOf(runId, ordinal);
  const at = Date.now();
  const note = (deaths: DeathsRpc): Promise<readonly number[]> => {
    const lateMs = Math.max(0, Date.now() - at);
    return deaths.note(who, attempt, ageMs + lateMs, agoMs + lateMs);
  };
  return asked(env, "a death could not be noted", runId, note, policy);
}

/** Notes that drivers of this run have died: the longest of their attempts, its token and when it was begun. Resolves always. */
export async function noteDrivers(
  env: Env,
  runId: RunId,
  { token, startedAt }: Drivers,
): Promise<void> {
  await noteDeath(
    env,
    { runId, ordinal: null, attempt: token, ageMs: Date.now() - startedAt },
    FOR_A_WHILE,
  );
}

/** Those attempts of a task that have died beside one that is known to kill; none if the object cannot be asked. */
export async function explainedDeaths(
  env: Env,
  runId: RunId,
  ordinal: number,
): Promise<readonly number[]> {
  const who = await victimOf(runId, ordinal);
  return (
    (await asked(env, "deaths could not be explained", runId, (deaths) => deaths.explained(who))) ??
    []
  );
}

/** Whether the next attempt of a suspect may begin now; null if the object cannot be asked. */
export async function askForTrial(
  env: Env,
  runId: RunId,
  ordinal: number,
  trial: Trial,
): Promise<boolean | null> {
  const who = await victimOf(runId, ordinal);
  return asked(env, "there is no trial", runId, (deaths) => deaths.askTrial(who, trial), ONCE);
}

/** The attempt that was on trial has ended, or does not begin. Resolves always: the docket strikes it off by itself later. */
export async function endTrial(env: Env, runId: RunId, ordinal: number): Promise<void> {
  const who = await victimOf(runId, ordinal);
  await asked(
    env,
    "the end of a trial could not be told",
    runId,
    (deaths) => deaths.trialOver(who),
    ONCE,
  );
}

/** A digest: it outlives the run by as much as an hour. */
async function victimOf(runId: RunId, ordinal: number | null): Promise<string> {
  return (await sha256(`${runId}/${ordinal ?? "drivers"}`)).toHex();
}

/** What the object answers; null if it cannot be asked. */
async function asked<T>(
  env: Env,
  otherwise: string,
  run: RunId,
  call: (deaths: DeathsRpc) => Promise<T>,
  policy?: CallPolicy,
): Promise<T | null> {
  try {
    return await callWithRetries(
      "the object of deaths",
      () => call(env.DEATHS.getByName(NAME)),
      policy,
    );
  } catch (error) {
    console.warn(JSON.stringify({ message: otherwise, run, error: String(error) }));
    return null;
  }
}

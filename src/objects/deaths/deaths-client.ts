/**
 * Connects executor objects and runs with the object of deaths. Called only after a death: a
 * successful attempt costs no call.
 */
import type { RunId } from "../../domain/ids.ts";
import type { Trial } from "../../domain/trials.ts";
import { callWithRetries, type CallPolicy } from "../../platform/calls.ts";
import { sha256 } from "../../platform/sha256.ts";
import type { DeathsRpc } from "./deaths-rpc.ts";
import { log } from "../../platform/log.ts";

const NAME = "deaths";

/** Policy for trials: the caller asks again soon, and nobody waits. */
const ONCE: CallPolicy = { delaysMs: [], limitMs: 2_000 };

/** Policy for deaths that are reported once: without the report, other attempts may be blamed. */
const FOR_A_WHILE: CallPolicy = { delaysMs: [100, 500, 2_000, 6_000, 12_000], limitMs: 5_000 };

/** A death of an attempt or of a run's drivers. */
export interface Death {
  readonly runId: RunId;
  /** Ordinal of a task or an item; null: the run's drivers. */
  readonly ordinal: number | null;
  readonly attempt: number;
  /** Age of the attempt, in milliseconds. */
  readonly ageMs: number;
  /** Time since the death was found, in milliseconds; absent: just now. */
  readonly agoMs?: number;
}

interface Drivers {
  readonly token: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/**
 * Reports an attempt that died with its worker. Resolves to the attempts of the task that died
 * while nothing else died. Resolves to null if the object is unreachable: then nobody is blamed
 * yet, and the death is reported later.
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

/** Reports the death of a run's drivers, as the longest attempt: token and start. Never rejects. */
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

/**
 * Resolves to the attempts of a task that died beside a known killer; empty if the object is
 * unreachable.
 */
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

/** Resolves to whether a suspect's next attempt may start; null if the object is unreachable. */
export async function askForTrial(
  env: Env,
  runId: RunId,
  ordinal: number,
  trial: Trial,
): Promise<boolean | null> {
  const who = await victimOf(runId, ordinal);
  return asked(env, "there is no trial", runId, (deaths) => deaths.askTrial(who, trial), ONCE);
}

/**
 * Reports that the attempt on trial has ended, or will not start. Never rejects: the docket drops
 * the trial later by itself.
 */
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

/** Returns a digest, because the record may outlive the run by an hour. */
async function victimOf(runId: RunId, ordinal: number | null): Promise<string> {
  return (await sha256(`${runId}/${ordinal ?? "drivers"}`)).toHex();
}

/** Returns the object's answer; null if the object is unreachable. */
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
    log("warn", otherwise, { run_id: run, error });
    return null;
  }
}

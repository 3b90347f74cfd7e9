/** How executor objects and runs reach the object that knows of deaths. It is asked only after a death: nothing that goes well costs a call. */
import type { RunId } from "../core/ids.ts";
import { callWithRetries } from "../platform/calls.ts";
import { sha256 } from "../platform/sha256.ts";
import type { DeathsRpc } from "./deaths-rpc.ts";

const NAME = "deaths";

export interface Death {
  readonly runId: RunId;
  /** Whose of the run: a task or an item by its ordinal; null: drivers. */
  readonly ordinal: number | null;
  readonly attempt: number;
  /** How long ago it was begun, in milliseconds. */
  readonly ageMs: number;
}

/**
 * Notes that an attempt has died with its worker. Resolves to those attempts of its task that have died while nobody else did; to none
 * if the object cannot be asked: then nobody is to blame.
 */
export async function noteDeath(env: Env, { runId, ordinal, attempt, ageMs }: Death): Promise<readonly number[]> {
  try {
    const victim = (await sha256(`${runId}/${ordinal ?? "drivers"}`)).toHex();
    const deaths = (): DeathsRpc => env.DEATHS.getByName(NAME);
    return await callWithRetries("the object of deaths", () => deaths().note(victim, attempt, ageMs));
  } catch (error) {
    console.warn(JSON.stringify({ message: "a death could not be noted", run: runId, ordinal, error: String(error) }));
    return [];
  }
}

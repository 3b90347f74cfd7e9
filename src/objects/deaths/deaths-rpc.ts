import type { Trial } from "../../domain/trials.ts";

/** Calls on the one object that knows of deaths. */
export interface DeathsRpc {
  /**
   * Reports an attempt that died with its worker. `ageMs`: time since the attempt began. `agoMs`:
   * time since the death was found, absent for just now. `victim`: a digest of the task. Returns
   * the attempts of the victim, this attempt included, that died while nothing else died, as far as
   * known. Idempotent.
   */
  note(victim: string, attempt: number, ageMs: number, agoMs?: number): Promise<readonly number[]>;
  /**
   * Returns the attempts of the victim that died beside a known killer and are not its own fault.
   */
  explained(victim: string): Promise<readonly number[]>;
  /**
   * Tells whether the victim's next attempt may start: no other suspect is on trial. The caller
   * repeats the question until then.
   */
  askTrial(victim: string, trial: Trial): Promise<boolean>;
  /** Reports that the attempt has ended, or will not start. Not needed after a death. */
  trialOver(victim: string): Promise<void>;
}

import type { Trial } from "../../domain/trials.ts";

/** What others may call on the one object that knows of deaths. */
export interface DeathsRpc {
  /**
   * An attempt has died with its worker, which it had begun so long ago (milliseconds), and which was found so long ago (absent: just
   * now). `victim`: a digest of who it was. Answers which attempts of that victim, this one included, have died while nobody else did,
   * as far as is known by now. May be called again.
   */
  note(victim: string, attempt: number, ageMs: number, agoMs?: number): Promise<readonly number[]>;
  /** Which attempts of that victim have died beside one that is known to kill, and are none of its own doing. */
  explained(victim: string): Promise<readonly number[]>;
  /** Whether the next attempt of that victim may begin now: no other suspect is tried. Asked again until then. */
  askTrial(victim: string, trial: Trial): Promise<boolean>;
  /** The attempt has ended, or does not begin. One that dies need not say so. */
  trialOver(victim: string): Promise<void>;
}

/** What others may call on the one object that knows of deaths. */
export interface DeathsRpc {
  /**
   * An attempt has died with its worker, which it had begun so long ago (milliseconds). `victim`: a digest of who it was. Answers which
   * attempts of that victim, this one included, have died while nobody else did, as far as is known by now. May be called again.
   */
  note(victim: string, attempt: number, ageMs: number): Promise<readonly number[]>;
}

/** RPC of the object of dead letters. Every method may be retried. */
import type { DeadLetter } from "../../domain/dead-letter.ts";
import type { DeadLetterId } from "../../domain/ids.ts";

/** A page of letters, newest first. */
export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  /** Pass as `before` for the next page; null at the end. */
  readonly next: number | null;
}

export interface DeadLettersRpc {
  /** Stores the letter durably before the answer. A letter of the same id stays as is. */
  record(letter: DeadLetter): Promise<void>;
  /** Returns at most `limit` letters: the newest, or the ones before `before`. */
  list(limit: number, before: number | null): Promise<DeadLetterPage>;
  /** Returns a letter; null after its deletion. */
  read(id: DeadLetterId): Promise<DeadLetter | null>;
  /** Counts the letters. */
  count(): Promise<number>;
  /**
   * Records the reason of another failed try, and one more attempt. The retention starts anew.
   * False if absent.
   */
  failedAgain(
    id: DeadLetterId,
    why: Pick<DeadLetter, "reason" | "detail" | "expiresAt">,
  ): Promise<boolean>;
  /** Deletes a letter; false if absent. */
  remove(id: DeadLetterId): Promise<boolean>;
}

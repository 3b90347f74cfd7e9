/** What others may call on the object that keeps the dead letters. All methods may be called again. */
import type { DeadLetter } from "../../domain/dead-letter.ts";
import type { DeadLetterId } from "../../domain/ids.ts";

/** Newest first. */
export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  /** Given as `before`, it goes on from here; null at the end. */
  readonly next: number | null;
}

export interface DeadLettersRpc {
  /** Keeps it, durably, before it answers. One of the same id changes nothing. */
  record(letter: DeadLetter): Promise<void>;
  /** At most `limit`, the newest, or those older than `before`. */
  list(limit: number, before: number | null): Promise<DeadLetterPage>;
  /** Null if there is none (any more). */
  read(id: DeadLetterId): Promise<DeadLetter | null>;
  /** How many there are. */
  count(): Promise<number>;
  /** Another try has failed: why, and one attempt more. It is kept as long as a new one. False if there is none. */
  failedAgain(
    id: DeadLetterId,
    why: Pick<DeadLetter, "reason" | "detail" | "expiresAt">,
  ): Promise<boolean>;
  /** False if there was none. */
  remove(id: DeadLetterId): Promise<boolean>;
}

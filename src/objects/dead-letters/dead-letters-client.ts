/** Client of the object of dead letters. */
import { deadLetterIdFromBytes, deadLetterInput, type DeadLetterId } from "../../domain/ids.ts";
import { callWithRetries } from "../../platform/calls.ts";
import { sha256 } from "../../platform/sha256.ts";
import type { DeadLettersRpc } from "./dead-letters-rpc.ts";

const NAME = "dead-letters";
/** Calls the object, with bounded retries. Rejects when all tries fail. */
export async function callDeadLetters<T>(
  env: Env,
  call: (letters: DeadLettersRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the object of the dead letters", () =>
    call(env.DEAD_LETTERS.getByName(NAME)),
  );
}

/**
 * The id of the letter about a message, or another named subject, of this queue. A repeated record
 * has the same id.
 */
export async function deadLetterIdOf(queue: string, name: string): Promise<DeadLetterId> {
  return deadLetterIdFromBytes(await sha256(deadLetterInput(queue, name)));
}

/** How everybody else reaches the one object that keeps the dead letters. */
import { callWithRetries } from "../platform/calls.ts";
import type { DeadLettersRpc } from "./dead-letters-rpc.ts";

const NAME = "dead-letters";
/** Calls the object, with bounded retries. Rejects when the surroundings keep failing. */
export async function callDeadLetters<T>(env: Env, call: (letters: DeadLettersRpc) => Promise<T>): Promise<T> {
  return callWithRetries("the object of the dead letters", () => call(env.DEAD_LETTERS.getByName(NAME)));
}

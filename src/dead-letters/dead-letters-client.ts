/** How everybody else reaches the one object that keeps the dead letters. */
import { isPassing } from "../run/run-client.ts";
import type { DeadLettersRpc } from "./dead-letters-rpc.ts";

const NAME = "dead-letters";
const PAUSES_MS = [100, 500] as const;

/** Calls the object, with bounded retries. Rejects when the surroundings keep failing. */
export async function callDeadLetters<T>(env: Env, call: (letters: DeadLettersRpc) => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      // A fresh stub each time: one that has failed stays broken.
      return await call(env.DEAD_LETTERS.getByName(NAME));
    } catch (error) {
      if (!isPassing(error)) throw error;
      await scheduler.wait(pauseMs * (0.5 + Math.random() / 2));
    }
  }
  return call(env.DEAD_LETTERS.getByName(NAME));
}

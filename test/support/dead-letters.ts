/** The dead letters that a test has caused, and an env in which none can be recorded. */
import { env } from "./env.ts";
import type { DeadLetter } from "../../src/domain/dead-letter.ts";
import { callDeadLetters } from "../../src/objects/dead-letters/dead-letters-client.ts";

/** Newest first. */
export async function deadLetters(): Promise<readonly DeadLetter[]> {
  const { letters } = await callDeadLetters(env, (kept) => kept.list(200, null));
  return letters;
}

export async function clearDeadLetters(): Promise<void> {
  for (const { id } of await deadLetters()) await callDeadLetters(env, (kept) => kept.remove(id));
}

export const WITHOUT_DEAD_LETTERS: Env = {
  ...env,
  DEAD_LETTERS: new Proxy(env.DEAD_LETTERS, {
    get() {
      throw new Error("the object of the dead letters is broken");
    },
  }),
};

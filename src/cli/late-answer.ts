/** Reports a late answer: a waiting command looks like a hanging command. */
import type { Fetch } from "../client/client.ts";

/** The time until an answer is late. */
const LATE_MS = 10_000;

/**
 * Makes a `fetch` that calls `say` when an answer is late. A call that asks the server to wait is
 * left alone.
 */
export function sayWhenLate(say: (text: string) => void, send: Fetch): Fetch {
  return async (input, init) => {
    const { origin, searchParams } = new URL(input);
    if (searchParams.has("wait")) return send(input, init);
    const late = `${origin} has not answered for ${LATE_MS / 1_000} s: still waiting, Ctrl-C leaves`;
    const timer = setTimeout(() => say(late), LATE_MS);
    try {
      return await send(input, init);
    } finally {
      clearTimeout(timer);
    }
  };
}

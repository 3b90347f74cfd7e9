/** Asks a question in a terminal. */
import { createInterface } from "node:readline/promises";

/** The terminal of a question. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly signal: AbortSignal;
  /** Called for Ctrl-C: a terminal in raw mode sends no signal. */
  readonly interrupt: () => void;
}

/**
 * Asks, and resolves to the answer: an empty text if the input ends instead, as with Ctrl-D.
 * Rejects with the signal's `AbortError`.
 */
export async function ask(
  question: string,
  { input, output, signal, interrupt }: Terminal,
): Promise<string> {
  const lines = createInterface({ input, output, terminal: true });
  lines.on("SIGINT", interrupt);
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  lines.on("close", () => resolve(""));
  try {
    return await Promise.race([lines.question(question, { signal }), ended]);
  } finally {
    lines.close();
  }
}

/** What a command does that was given several names, and one of them is refused: the others have their turn, and it exits with 1. */
import { PeachError } from "../client/client.ts";

export interface PartialFailure {
  readonly code: string;
  readonly detail: string;
}

/** Why the deployment refused one of these names. Throws what is an error of the whole command: no answer came, or there is one name only. */
export function partialFailureOf(error: unknown, names: readonly string[]): PartialFailure {
  if (names.length === 1 || !(error instanceof PeachError) || error.status === null) throw error;
  const { code, detail } = error;
  return { code, detail };
}

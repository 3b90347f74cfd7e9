/**
 * Partial failure of a command with several names: after a refusal the remaining names are still
 * processed, and the command exits with 1.
 */
import { PeachError } from "../client/client.ts";

/** The error of one name. */
export interface PartialFailure {
  readonly code: string;
  readonly detail: string;
}

/**
 * Returns the error of one name. Throws errors of the whole command: the deployment did not answer,
 * or there is only one name.
 */
export function partialFailureOf(error: unknown, names: readonly string[]): PartialFailure {
  if (names.length === 1 || !(error instanceof PeachError) || error.status === null) throw error;
  const { code, detail } = error;
  return { code, detail };
}

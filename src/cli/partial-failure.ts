/**
 * Partial failure of a command with several names: after a refusal the remaining names are still
 * processed, and the command exits with 1.
 */
import { PeachError } from "../client/client.ts";
import { UsageError, type CommandHost } from "./command.ts";

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

/** The changed names, the answers, and the refusals. */
interface Changed<Answer> {
  readonly names: readonly string[];
  readonly answers: readonly Answer[];
  readonly refused: readonly PartialFailure[];
}

/** Changes names in order, and prints the outcome of each name unless `json` is true. */
export async function changeEach<Answer>(
  names: readonly string[],
  /** The property that holds the name in a refusal. */
  property: "id" | "name",
  done: string,
  json: boolean,
  { err }: CommandHost,
  change: (name: string) => Promise<Answer>,
): Promise<Changed<Answer>> {
  const changed: string[] = [];
  const answers: Answer[] = [];
  const refused: PartialFailure[] = [];
  for (const name of names) {
    const shown = property === "id" ? name : `"${name}"`;
    try {
      answers.push(await change(name));
      changed.push(name);
      if (!json) err(`${shown} ${done}`);
    } catch (error) {
      const refusal = partialFailureOf(error, names);
      refused.push({ [property]: name, ...refusal });
      if (!json) err(`${shown} is refused: ${refusal.detail}`);
    }
  }
  return { names: changed, answers, refused };
}

/** Finds the action that a word names. Throws `UsageError` for another word. */
export function actionOf<const Action extends string>(
  actions: readonly Action[],
  word: string,
): Action {
  const action = actions.find((one) => one === word);
  if (action !== undefined) return action;
  throw new UsageError(`expected one of ${actions.join(", ")}, given ${word}`);
}

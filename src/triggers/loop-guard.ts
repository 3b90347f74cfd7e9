/**
 * The mark that a task leaves on the objects it writes into a bucket whose events trigger tasks: R2's notification does not say who
 * wrote an object, and without it a task that triggers itself by what it writes would do so for ever. It is one entry of the object's
 * custom metadata, which R2 keeps with copies too.
 *
 * Not marked: what is written past the bindings of the task (the S3 API, another worker, a binding that a file has taken from `env` while it
 * was loaded, an upload that was resumed by its id), what an endpoint writes, which is in no run, and deletions.
 */
import { parseRunId, type RunId } from "../domain/ids.ts";

/** The run that wrote an object, and how deep in a chain of triggers it is. */
export interface RunMark {
  readonly runId: RunId;
  readonly task: string;
  readonly depth: number;
}

/** The name of the entry. */
export const MARK_NAME = "peach-run";

/** The mark as it is written. */
export function markText({ runId, task, depth }: RunMark): string {
  return `${runId}/${task}/${depth}`;
}

/** The mark in an object's custom metadata, or null if a task has not written it. */
export function markIn(metadata: Readonly<Record<string, string>> | undefined): RunMark | null {
  const [, run = "", task = "", depth = ""] =
    /^(run_\w+)\/([\w-]+)\/(\d{1,9})$/.exec(metadata?.[MARK_NAME] ?? "") ?? [];
  const runId = parseRunId(run);
  return runId === null ? null : { runId, task, depth: Number(depth) };
}

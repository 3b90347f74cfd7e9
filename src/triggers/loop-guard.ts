/**
 * The mark on objects that a task writes into a bucket whose events trigger tasks. R2's
 * notification does not name the writer of an object; without a mark, a task that triggers itself
 * by its own objects would run for ever. The mark is an entry of the object's custom metadata,
 * which R2 also keeps for copies.
 *
 * Not marked: objects written past the task's bindings (the S3 API, another worker, a binding that
 * a file took from `env` while it was loaded, an upload resumed by its id), objects written by an
 * endpoint, which belongs to no run, and deletions.
 */
import { parseRunId, type RunId } from "../domain/ids.ts";

/** The run that wrote an object, and its depth in the chain of triggers. */
export interface LoopMark {
  readonly runId: RunId;
  readonly task: string;
  readonly depth: number;
}

/** The name of the metadata entry. */
export const LOOP_MARK_NAME = "peach-run";

/** Encodes the mark. */
export function encodeLoopMark({ runId, task, depth }: LoopMark): string {
  return `${runId}/${task}/${depth}`;
}

/** Decodes the mark in an object's custom metadata. Null if no task has written the object. */
export function decodeLoopMark(
  metadata: Readonly<Record<string, string>> | undefined,
): LoopMark | null {
  const [, run = "", task = "", depth = ""] =
    /^(run_\w+)\/([\w-]+)\/(\d{1,9})$/.exec(metadata?.[LOOP_MARK_NAME] ?? "") ?? [];
  const runId = parseRunId(run);
  return runId === null ? null : { runId, task, depth: Number(depth) };
}

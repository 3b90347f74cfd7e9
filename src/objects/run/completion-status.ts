/** Describes whether an external task of a run can be completed. */
import { openCompletion, completionStatusOf } from "../../domain/run/external-task.ts";
import { limitedChildren } from "../../domain/limits/limited-children.ts";
import { entryOf, type Run } from "../../domain/run/state.ts";
import { taskStatusOf } from "./run-document.ts";
import type { CompletableTask, CompletionTarget } from "./completion-rpc.ts";

/**
 * Describes the target; undefined if no such task exists. A target by name means the open attempt,
 * or else the last attempt.
 */
export function describeCompletable(
  run: Run,
  target: CompletionTarget,
): CompletableTask | undefined {
  const ordinal =
    "task" in target
      ? run.tasks.findIndex(({ task }) => task.name === target.task)
      : target.ordinal;
  const entry = entryOf(run, ordinal);
  if (entry === undefined) return undefined;
  const { task, state, attempts } = entry;
  const last = { attempt: attempts.length, token: attempts.at(-1)?.token ?? 0 };
  const open = openCompletion(state);
  const { attempt, token } = "task" in target ? (open ?? last) : target;
  const begun = open === null ? undefined : attempts[open.attempt - 1];
  return {
    task: task.name,
    method: task.method,
    ...(task.module !== undefined && { module: task.module }),
    status: taskStatusOf(entry),
    standing:
      task.external === true ? completionStatusOf(run, ordinal, attempt, token) : "not_external",
    ordinal,
    attempt,
    token,
    expiresAt: begun === undefined ? null : begun.startedAt + task.timeoutMs,
    key: run.completionKey ?? null,
    inlineLimitBytes: run.graph.inlineLimitBytes,
    limited: limitedChildren(run, entry),
  };
}

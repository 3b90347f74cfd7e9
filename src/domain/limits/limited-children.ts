/**
 * Children with limit keys inside a task's output, so the encoder of the payload extracts their
 * keys.
 */
import type { GraphTask } from "../plan/run-graph.ts";
import { limitPathsBelow, limitPathsOf, type LimitPaths } from "./limit.ts";
import type { Run, TaskEntry } from "../run/state.ts";

export interface LimitedChild {
  readonly child: string;
  /** Paths within the payload read from this task. */
  readonly paths: LimitPaths;
  /** The child runs once per item, so every item has its own keys. */
  readonly each: boolean;
}

/**
 * Limit paths of this task in the data from `parent`; null without any. For a root, `parent` is
 * empty (its trigger).
 */
export function limitedReader(task: GraphTask, parent: string): LimitedChild | null {
  const paths = task.limits === undefined ? null : limitPathsOf(task.limits);
  const below = paths === null || task.shape !== "keyed" ? paths : limitPathsBelow(paths, parent);
  return below === null ? null : { child: task.name, paths: below, each: task.each !== undefined };
}

/**
 * Children with limit keys in the output of this entry. An item feeds item-wise children; the
 * collected array feeds all other children.
 */
export function limitedChildren(run: Run, { task, item }: TaskEntry): LimitedChild[] {
  const { name, downstream, each } = task;
  return downstream.flatMap((ordinal) => {
    const child = run.tasks[ordinal]?.task;
    const limited = child === undefined ? null : limitedReader(child, name);
    if (limited === null || (each !== undefined && limited.each !== (item !== undefined)))
      return [];
    return [item === undefined ? limited : { ...limited, each: false }];
  });
}

/** Which children look into what a task passes for their limits, so that whoever encodes the payload works out their keys. */
import type { GraphTask } from "../plan/run-graph.ts";
import { limitPathsBelow, limitPathsOf, type LimitPaths } from "./limit.ts";
import type { Run, TaskEntry } from "../run/state.ts";

export interface LimitedChild {
  readonly child: string;
  /** Where in the payload that the child reads from this task. */
  readonly paths: LimitPaths;
  /** The child runs once for each item of the payload: every item has keys of its own. */
  readonly each: boolean;
}

/** Where this task's limits look into what it reads from `parent`; null: nowhere. Of a root, `parent` is empty for its trigger. */
export function limitedReader(task: GraphTask, parent: string): LimitedChild | null {
  const paths = task.limits === undefined ? null : limitPathsOf(task.limits);
  const below = paths === null || task.shape !== "keyed" ? paths : limitPathsBelow(paths, parent);
  return below === null ? null : { child: task.name, paths: below, each: task.each !== undefined };
}

/**
 * The children whose limits look into what an attempt of this entry passes. An item passes to those that run once for each of
 * them; what gathers the items, to all others.
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

/**
 * Reads the keys of peach.conf that decide the inputs of tasks. The check needs the shapes before
 * the plan exists, since peach.conf may still have other problems.
 */
import type { Edge } from "../check-graph.ts";
import type { ValidConf } from "../validate.ts";
import type { TaskShapes } from "./task-inputs.ts";

/** Returns the shape of every task. A task with a trigger is a root as well. */
export function taskShapes(conf: ValidConf, edges: readonly Edge[]): TaskShapes {
  const byChild = Map.groupBy(edges, ({ child }) => child);
  const byParent = Map.groupBy(edges, ({ parent }) => parent);
  return new Map(
    [...conf.tasks].map(([name, task]) => {
      const upstream = (byChild.get(name) ?? []).map(({ parent }) => parent);
      // A trigger starts a run at its task, also in the middle of the graph.
      const isTriggered =
        (task.on?.r2 ?? []).length > 0 ||
        (task.on?.event ?? []).length > 0 ||
        (task.schedule ?? []).length > 0 ||
        task.callable === true ||
        conf.root.on_failure === name;
      return [
        name,
        {
          name,
          upstream,
          downstream: (byParent.get(name) ?? []).map(({ child }) => child),
          runIf: task.run_if ?? "all_success",
          each: task.each === undefined ? null : (task.each.on_error ?? "fail"),
          isRoot: upstream.length === 0 || isTriggered,
          isExternal: task.external ?? false,
        },
      ];
    }),
  );
}

/** Checks `each`: the task has one upstream task that passes the array, and is not external. */
import type { Edge } from "./check-graph.ts";
import type { ConfCheck } from "./validate.ts";

/**
 * The tasks with `each`, and their `on_error`. "continue": a failed item does not fail the task.
 */
export type EachTasks = ReadonlyMap<string, "fail" | "continue">;

/**
 * Collects the tasks with `each` and reports the wrong ones. Reported tasks stay in the result for
 * later checks.
 */
export function checkEach({ conf, loaded, report }: ConfCheck, edges: readonly Edge[]): EachTasks {
  const found = new Map<string, "fail" | "continue">();
  for (const [name, { each, external }] of conf.tasks) {
    if (each === undefined) continue;
    found.set(name, each.on_error ?? "fail");
    const span = loaded.keySpan(["tasks", name, "each"]);
    const parents = edges.filter(({ child }) => child === name).map(({ parent }) => parent);
    // A join reads an object, which has no items.
    if (parents.length > 1) {
      report(
        "PEACH205",
        span,
        `tasks.${name}.each: a task runs over the array of one upstream task, and \`${name}\` has ${parents.length}`,
        {
          hint: `its upstream tasks are ${parents.join(", ")}: put a task between that passes one array`,
        },
      );
    }
    if (external === true) {
      report("PEACH206", span, `tasks.${name}.each: an external task has no items`, {
        hint: "it is completed once; for each item trigger an external task of its own, with triggerTaskWithEvent",
      });
    }
  }
  return found;
}

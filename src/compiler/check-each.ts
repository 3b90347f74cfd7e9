/** What goes with `each`: one array to run over, and items that run by themselves. */
import type { Report } from "./diagnostic.ts";
import type { Edge } from "./check-graph.ts";
import type { LoadedConf } from "./load.ts";
import type { ValidConf } from "./validate.ts";

/** Tasks with `each`, and what becomes of an item that fails. */
export type EachTasks = ReadonlyMap<string, "fail" | "continue">;

/** Those tasks; the wrong ones are reported. */
export function checkEach(
  conf: ValidConf,
  edges: readonly Edge[],
  loaded: LoadedConf,
  report: Report,
): EachTasks {
  const found = new Map<string, "fail" | "continue">();
  for (const [name, { each, external }] of conf.tasks) {
    if (each === undefined) continue;
    found.set(name, each.on_error ?? "fail");
    const span = loaded.keySpan(["tasks", name, "each"]);
    const parents = edges.filter(({ child }) => child === name).map(({ parent }) => parent);
    if (parents.length > 1) {
      report(
        span,
        `tasks.${name}.each: a task runs over the array of one upstream task, and \`${name}\` has ${parents.length}`,
        {
          hint: `its upstream tasks are ${parents.join(", ")}: put a task between that passes one array`,
        },
      );
    }
    if (external === true) {
      report(span, `tasks.${name}.each: an external task has no items`, {
        hint: "it is completed once; for each item trigger an external task of its own, with triggerTaskWithEvent",
      });
    }
  }
  return found;
}

/** What does not go together with `external`. */
import type { Report } from "./diagnostic.ts";
import type { LoadedConf } from "./load.ts";
import type { ValidConf } from "./validate.ts";

/** Reports external tasks with `each`: a completion is for a task, not for an item. */
export function checkExternals(conf: ValidConf, loaded: LoadedConf, report: Report): void {
  for (const [name, { external, each }] of conf.tasks) {
    if (external !== true || each === undefined) continue;
    report(loaded.keySpan(["tasks", name, "each"]), `tasks.${name}.each: an external task cannot run once per item`, {
      hint: "trigger a task of its own for each item from a method, with triggerTaskWithEvent, and make that one external",
    });
  }
}

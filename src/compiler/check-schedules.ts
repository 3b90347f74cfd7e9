/** Compares the schedules of a task with each other. */
import { schedulePlans } from "./schedule.ts";
import type { ConfCheck } from "./validate.ts";

/**
 * Reports repeated schedules. A schedule is identified by task, cron, timezone and payload: two
 * equal schedules would share their history.
 */
export function checkSchedules({ conf, loaded, report }: ConfCheck): void {
  for (const [name, { schedule: schedules = [] }] of conf.tasks) {
    const ids = schedules.map((schedule) => schedulePlans([schedule])[0]?.id);
    for (const [index, id] of ids.entries()) {
      const first = ids.indexOf(id);
      if (id === undefined || first === index) continue;
      const at = (which: number) => loaded.valueSpan(["tasks", name, "schedule", which]);
      report(
        "PEACH207",
        at(index),
        `tasks.${name}.schedule: the same cron, timezone and payload stand there twice`,
        {
          hint: "keep one of the two",
          related: [{ span: at(first), message: "the first is here" }],
        },
      );
    }
  }
}

/** Which tasks an event from outside triggers. Pure: the plan and the event decide. */
import type { Plan, R2Action, R2Rule } from "./plan.ts";

/** What routing needs to know of a change in a bucket. */
export interface ObjectChange {
  readonly bucket: string;
  readonly key: string;
  readonly action: R2Action;
}

/** The tasks that an event of this name triggers, in file order. */
export function tasksListeningTo(plan: Plan, event: string): readonly string[] {
  return Object.values(plan.tasks).flatMap((task) =>
    task.on.events.includes(event) ? [task.name] : [],
  );
}

/** The tasks that this change triggers, in file order, each once however many of its rules fit. */
export function tasksTriggeredBy(plan: Plan, change: ObjectChange): readonly string[] {
  return Object.values(plan.tasks).flatMap((task) =>
    task.on.r2.some((rule) => fits(rule, change)) ? [task.name] : [],
  );
}

function fits(rule: R2Rule, change: ObjectChange): boolean {
  return (
    rule.bucket === change.bucket &&
    rule.actions.includes(change.action) &&
    change.key.startsWith(rule.prefix) &&
    change.key.endsWith(rule.suffix)
  );
}

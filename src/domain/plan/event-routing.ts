/** Routing of outside events to tasks. Pure function of plan and event. */
import type { Plan, R2Action, R2Rule } from "./plan.ts";

/** A change in a bucket, as needed for routing. */
export interface ObjectChange {
  readonly bucket: string;
  readonly key: string;
  readonly action: R2Action;
}

/** Returns the tasks listening to this event, in file order. */
export function tasksListeningTo(plan: Plan, event: string): readonly string[] {
  return Object.values(plan.tasks).flatMap((task) =>
    task.on.events.includes(event) ? [task.name] : [],
  );
}

/** Returns the tasks triggered by this change, in file order, once per task. */
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

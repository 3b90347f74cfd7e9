import type { TaskPlan } from "../../domain/plan/plan.ts";
import type { LintedProject } from "./linted-project.ts";

/**
 * Warns of a task that no trigger reaches. Only `callable: false` takes a task out of reach: the
 * API triggers every other task without upstream tasks. A name in the code of a pipeline counts as
 * a trigger.
 */
export function lintReach({ plan, loaded, files, warn }: LintedProject): void {
  const isTriggered = ({ name, on, schedules, callable, upstream }: TaskPlan): boolean =>
    on.r2.length > 0 ||
    on.events.length > 0 ||
    schedules.length > 0 ||
    (callable ?? upstream.length === 0) ||
    plan.onFailure === name ||
    files.some(({ source }) => isNamedIn(source.text, name));
  const tasks = Object.values(plan.tasks);
  if (tasks.every(({ callable }) => callable !== false)) return;
  const reached = new Set(tasks.filter(isTriggered).map(({ name }) => name));
  // The loop also visits the names that are added to the set meanwhile.
  for (const name of reached)
    for (const child of plan.tasks[name]?.downstream ?? []) reached.add(child);
  for (const { name, upstream } of tasks) {
    // The first task of a chain is reported; the other tasks follow.
    if (reached.has(name) || upstream.length > 0) continue;
    warn(
      "PEACH721",
      loaded.keySpan(["tasks", name]),
      `tasks.${name}: nothing triggers it, and \`callable: false\` keeps tokens from doing so`,
      {
        hint:
          "give it `on` or `schedule`, put it downstream of a task, " +
          "or trigger it by its name in a method; or leave out `callable: false`",
      },
    );
  }
}

/** Tests if a text has the name in quotes. */
function isNamedIn(text: string, name: string): boolean {
  return [`"${name}"`, `'${name}'`, `\`${name}\``].some((quoted) => text.includes(quoted));
}

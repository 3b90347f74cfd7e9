/**
 * What each task reads, by peach.conf: from its upstream tasks, in each run that can reach it, under
 * its `run_if`. Pure.
 */
import type { Plan, TaskPlan } from "../../domain/plan/plan.ts";
import type { RunIf } from "../../domain/run/start-rule.ts";
import {
  ABSENT,
  arrayOf,
  NULL,
  objectOf,
  type Property,
  unionOf,
  type ValueSet,
} from "./value-set.ts";

/** The set that a task passes to one child, before `each` collects it. */
export type PassedBy = (task: string) => ValueSet;

/** What a task reads from its upstream tasks. */
export interface Reading {
  readonly set: ValueSet;
  /** Says in which runs, if not in each. */
  readonly when: string | null;
}

/** Roots of runs: tasks without upstream, and those that something else triggers. */
export function rootsOf(plan: Plan): TaskPlan[] {
  return Object.values(plan.tasks).filter(
    ({ upstream, on, schedules, callable }) =>
      upstream.length === 0 ||
      on.r2.length > 0 ||
      on.events.length > 0 ||
      schedules.length > 0 ||
      callable === true,
  );
}

/** The set that a task passes on: with `each`, the array of what its items pass. */
export function passedOn({ name, each }: TaskPlan, passedBy: PassedBy): ValueSet {
  if (each === null) return passedBy(name);
  const item = passedBy(name);
  // A failed item stands as null.
  return arrayOf(each.onError === "continue" ? unionOf([item, NULL]) : item);
}

/** Rules under which a task starts although an upstream task passed nothing. */
const MAY_LACK: ReadonlySet<RunIf> = new Set([
  "all_done",
  "one_success",
  "one_failed",
  "none_failed",
  "all_failed",
  "none_failed_min_one_success",
]);
const NEEDS_ONE: ReadonlySet<RunIf> = new Set(["one_success", "none_failed_min_one_success"]);

/** More upstream tasks than this are not told apart by which of them passed something. */
const MAX_COMBINED = 5;

/** What a task with upstream tasks reads. Empty for others. */
export class TaskInputs {
  readonly #plan: Plan;
  readonly #passedBy: PassedBy;
  readonly #reached: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(plan: Plan, passedBy: PassedBy, joins: ReadonlySet<string>) {
    this.#plan = plan;
    this.#passedBy = passedBy;
    this.#reached = reachedParents(plan, joins);
  }

  /** `only`: the upstream task whose value matters; the values of the others are left out. */
  readingsOf(task: TaskPlan, only: string | null = null): Reading[] {
    const [first, ...others] = task.upstream;
    if (first === undefined) return [];
    if (others.length === 0) return [this.#single(first, task.runIf)];
    const groups = this.#reached.get(task.name) ?? new Set([task.upstream.join("\n")]);
    return [...groups].map((group) => {
      const present = group.split("\n");
      const set = joined(
        present.map((name) => [name, this.#valueOf(name, only)]),
        task.runIf,
      );
      return { set, when: whenOf(task, present) };
    });
  }

  #valueOf(name: string, only: string | null): ValueSet {
    const parent = this.#plan.tasks[name];
    if (parent === undefined || (only !== null && only !== name))
      return { kind: "lost", what: "what another task passes" };
    return passedOn(parent, this.#passedBy);
  }

  #single(parent: string, runIf: RunIf): Reading {
    const set = this.#valueOf(parent, null);
    if (runIf === "one_failed" || runIf === "all_failed")
      return { set: ABSENT, when: `run_if: ${runIf} starts it when ${parent} has passed nothing` };
    if (runIf === "all_done" || runIf === "none_failed")
      return {
        set: unionOf([set, ABSENT]),
        when: `run_if: ${runIf} starts it also when ${parent} has passed nothing`,
      };
    return { set, when: null };
  }
}

/** The object that a task with several upstream tasks reads, by the rule that starts it. */
function joined(parents: readonly (readonly [string, ValueSet])[], runIf: RunIf): ValueSet {
  const keyed = (absent: (name: string) => Property["mayBeAbsent"], left?: string): ValueSet =>
    objectOf(
      Object.fromEntries(
        parents
          .filter(([name]) => name !== left)
          .map(([name, set]) => [name, { set, mayBeAbsent: absent(name) }]),
      ),
      true,
    );
  if (runIf === "all_failed") return objectOf({}, true);
  if (!MAY_LACK.has(runIf)) return keyed(() => false);
  const all = keyed(() => true);
  if (runIf === "all_done" || runIf === "none_failed") return all;
  if (parents.length > MAX_COMBINED)
    return { kind: "unsure", within: all, why: "which upstream tasks passed something" };
  return NEEDS_ONE.has(runIf)
    ? unionOf(parents.map(([present]) => keyed((name) => name !== present)))
    : unionOf(parents.map(([left]) => keyed(() => true, left)));
}

function whenOf({ upstream, runIf }: TaskPlan, present: readonly string[]): string | null {
  const missing = upstream.filter((name) => !present.includes(name));
  const parts = [
    ...(missing.length > 0 ? [`in a run without ${missing.slice(0, 3).join(", ")}`] : []),
    ...(MAY_LACK.has(runIf) ? [`under run_if: ${runIf}`] : []),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}

/** More roots than this are not followed one by one. */
const MAX_GROUPS = 64;

/**
 * The sets of upstream tasks that a run can have, for each of these joins. The roots that reach a
 * task are followed down the graph once for all of them.
 */
function reachedParents(plan: Plan, joins: ReadonlySet<string>): Map<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  if (joins.size === 0) return found;
  for (const root of rootsOf(plan)) {
    const reached = new Set([root.name]);
    // The loop also visits the names that are added to the set meanwhile.
    for (const name of reached)
      for (const child of plan.tasks[name]?.downstream ?? []) reached.add(child);
    for (const name of reached) {
      const task = joins.has(name) && name !== root.name ? plan.tasks[name] : undefined;
      if (task === undefined) continue;
      const group = task.upstream.filter((parent) => reached.has(parent)).join("\n");
      const groups = found.get(name) ?? new Set();
      if (group !== "" && groups.size < MAX_GROUPS) groups.add(group);
      found.set(name, groups);
    }
  }
  return found;
}

/**
 * Computes the input of each task from peach.conf. The input depends on the upstream tasks, on the
 * runs that reach the task, and on `run_if`. Pure.
 */
import type { TaskPlan } from "../../domain/plan/plan.ts";
import { RUN_IFS, type RunIf } from "../../domain/run/start-rule.ts";
import {
  ABSENT,
  arrayOf,
  NULL,
  objectOf,
  type Property,
  unionOf,
  type ValueSet,
} from "./value-set.ts";

/** The set that a task passes to its downstream tasks, before `each` collects the items. */
export type PassedBy = (task: string) => ValueSet;

/** An input of a task. A task has several inputs if runs differ in their upstream tasks. */
export interface Reading {
  readonly set: ValueSet;
  /** The runs with this input, in words; null for all runs. */
  readonly when: string | null;
}

/** The keys of a task in peach.conf that decide the task's input. */
export interface TaskShape extends Pick<TaskPlan, "name" | "upstream" | "downstream" | "runIf"> {
  /** The `on_error` of `each`; null for a task that runs once. */
  readonly each: "fail" | "continue" | null;
  /** True if a run may begin at this task. */
  readonly isRoot: boolean;
  /** True if an API call completes the task and gives the output. */
  readonly isExternal: boolean;
}

/** The shapes of all tasks, by name. */
export type TaskShapes = ReadonlyMap<string, TaskShape>;

/** Returns the set that a task passes on. A task with `each` passes the array of its outputs. */
function passedOn({ name, each }: TaskShape, passedBy: PassedBy): ValueSet {
  if (each === null) return passedBy(name);
  const item = passedBy(name);
  // The engine puts null in the place of a failed item.
  return arrayOf(each === "continue" ? unionOf([item, NULL]) : item);
}

/** The rules that start a task even if an upstream task passed nothing. */
const MAY_LACK: ReadonlySet<RunIf> = new Set(RUN_IFS.filter((rule) => rule !== "all_success"));
/** The rules that need at least one output of an upstream task. */
const NEEDS_ONE: ReadonlySet<RunIf> = new Set(["one_success", "none_failed_min_one_success"]);

/** Limit of upstream tasks for which each combination of outputs is a set of its own. */
const MAX_COMBINED = 5;

/** Computes the inputs of tasks with upstream tasks. */
export class TaskInputs {
  readonly #tasks: TaskShapes;
  readonly #passedBy: PassedBy;
  readonly #reached: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(tasks: TaskShapes, passedBy: PassedBy, joins: ReadonlySet<string>) {
    this.#tasks = tasks;
    this.#passedBy = passedBy;
    this.#reached = reachedParents(tasks, joins);
  }

  /** Returns the inputs of a task. `only` restricts the values to a single upstream task. */
  readingsOf(task: TaskShape, only: string | null = null): Reading[] {
    const [first, ...others] = task.upstream;
    if (first === undefined) return [];
    if (others.length === 0) return [this.#single(first, task.runIf)];
    const groups = this.#reached.get(task.name) ?? new Set([task.upstream.join("\n")]);
    return [...groups].map((group) => {
      const present = group.split("\n");
      const of = (names: readonly string[]): (readonly [string, ValueSet])[] =>
        names.map((name) => [name, this.#valueOf(name, only)]);
      if (group === MANY) return { set: anyOf(of(task.upstream)), when: null };
      const set =
        only === null
          ? joined(of(present), task.runIf)
          : alone(of(task.upstream), only, present.includes(only), task.runIf);
      return { set, when: whenOf(task, present) };
    });
  }

  /** Returns the set that an upstream task passes. `only` leaves out the other tasks. */
  #valueOf(name: string, only: string | null): ValueSet {
    const parent = this.#tasks.get(name);
    if (parent === undefined || (only !== null && only !== name))
      return { kind: "lost", what: "what another task passes" };
    return passedOn(parent, this.#passedBy);
  }

  /** Returns the input from a single upstream task, by the rule that starts the task. */
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

/** Returns the input of a join: an object keyed by upstream task, by the rule of the join. */
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
  // No upstream task has passed a value under `all_failed`.
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

/** Returns the input of a join in which every upstream task but `only` has passed a value. */
function alone(
  parents: readonly (readonly [string, ValueSet])[],
  only: string,
  isInRun: boolean,
  runIf: RunIf,
): ValueSet {
  const mayBeAbsent = MAY_LACK.has(runIf);
  return objectOf(
    Object.fromEntries(
      parents
        .filter(([name]) => name !== only || (isInRun && runIf !== "all_failed"))
        .map(([name, set]) => [name, { set, mayBeAbsent: name === only && mayBeAbsent }]),
    ),
    true,
  );
}

/** The object of any of these tasks. */
function anyOf(parents: readonly (readonly [string, ValueSet])[]): ValueSet {
  const entries = parents.map(([name, set]) => [name, { set, mayBeAbsent: true }] as const);
  const within = objectOf(Object.fromEntries(entries), true);
  return { kind: "unsure", within, why: "which upstream tasks are in the run" };
}

/** Describes the runs with an input; null for all runs. */
function whenOf({ upstream, runIf }: TaskShape, present: readonly string[]): string | null {
  const missing = upstream.filter((name) => !present.includes(name));
  const parts = [
    ...(missing.length > 0 ? [`in a run without ${missing.slice(0, 3).join(", ")}`] : []),
    ...(MAY_LACK.has(runIf) ? [`under run_if: ${runIf}`] : []),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}

/** More sets of upstream tasks than this are not told apart: `MANY` stands for the others. */
const MAX_GROUPS = 64;
const MANY = "*";

/**
 * Returns the groups of upstream tasks that runs can reach, for each join. Each root is followed
 * down the graph once for all joins.
 */
function reachedParents(
  tasks: TaskShapes,
  joins: ReadonlySet<string>,
): Map<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  if (joins.size === 0) return found;
  const roots = [...tasks.values()].filter(({ isRoot }) => isRoot);
  for (const root of roots) {
    const reached = new Set([root.name]);
    // The loop also visits the names that are added to the set meanwhile.
    for (const name of reached)
      for (const child of tasks.get(name)?.downstream ?? []) reached.add(child);
    for (const name of reached) {
      const task = joins.has(name) && name !== root.name ? tasks.get(name) : undefined;
      if (task === undefined) continue;
      const group = task.upstream.filter((parent) => reached.has(parent)).join("\n");
      const groups = found.get(name) ?? new Set();
      if (group !== "") groups.add(groups.size < MAX_GROUPS || groups.has(group) ? group : MANY);
      found.set(name, groups);
    }
  }
  return found;
}

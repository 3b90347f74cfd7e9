/**
 * The input of each task by peach.conf: from its upstream tasks, in each run that can reach it, under
 * its `run_if`. Pure.
 */
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

/** The input of a task from its upstream tasks. */
export interface Reading {
  readonly set: ValueSet;
  /** Says in which runs, if not in each. */
  readonly when: string | null;
}

/** The keys of a task that decide its input. */
export interface TaskShape {
  readonly name: string;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
  readonly runIf: RunIf;
  /** Null for a task that runs once. */
  readonly each: "fail" | "continue" | null;
  /** A run may begin at this task. */
  readonly isRoot: boolean;
  /** It passes what completes it. */
  readonly isExternal: boolean;
}

export type TaskShapes = ReadonlyMap<string, TaskShape>;

/** The set that a task passes on: with `each`, the array of what its items pass. */
function passedOn({ name, each }: TaskShape, passedBy: PassedBy): ValueSet {
  if (each === null) return passedBy(name);
  const item = passedBy(name);
  // A failed item stands as null.
  return arrayOf(each === "continue" ? unionOf([item, NULL]) : item);
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

  /** `only`: the upstream task whose value matters; the values of the others are left out. */
  readingsOf(task: TaskShape, only: string | null = null): Reading[] {
    const [first, ...others] = task.upstream;
    if (first === undefined) return [];
    if (others.length === 0) return [this.#single(first, task.runIf)];
    const groups = this.#reached.get(task.name) ?? new Set([task.upstream.join("\n")]);
    return [...groups].map((group) => {
      const present = group.split("\n");
      const of = (names: readonly string[]): (readonly [string, ValueSet])[] =>
        names.map((name) => [name, this.#valueOf(name, only)]);
      const set =
        only === null
          ? joined(of(present), task.runIf)
          : alone(of(task.upstream), only, present.includes(only), task.runIf);
      return { set, when: whenOf(task, present) };
    });
  }

  /** The set that an upstream task passes. */
  #valueOf(name: string, only: string | null): ValueSet {
    const parent = this.#tasks.get(name);
    if (parent === undefined || (only !== null && only !== name))
      return { kind: "lost", what: "what another task passes" };
    return passedOn(parent, this.#passedBy);
  }

  /** The input from one upstream task, by the rule that starts the task. */
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

/** The object in which only one upstream task may be absent: the others are there. */
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

/** Says in which runs an input is read. */
function whenOf({ upstream, runIf }: TaskShape, present: readonly string[]): string | null {
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
      if (group !== "" && groups.size < MAX_GROUPS) groups.add(group);
      found.set(name, groups);
    }
  }
  return found;
}

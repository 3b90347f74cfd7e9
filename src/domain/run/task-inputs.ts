/**
 * What a task reads, as references: what the trigger carried, what its upstream tasks in the run have passed, and, in a run that
 * replays a part of another one, what was recorded there of those that are not in it.
 */
import { itemsOf } from "./mapped-task.ts";
import type { GraphTask, InputShape, RunGraph } from "../plan/run-graph.ts";
import { isKeyList, type LimitKeys, type PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import { isFinal, type Run, type TaskEntry, type TaskState } from "./state.ts";

/** `parent` is empty for what the trigger carried. */
export interface TaskInput {
  readonly parent: string;
  readonly ref: PayloadRef;
  /** What it says about the limits of the task that reads it; absent: nothing. */
  readonly limitKeys?: PayloadLimitKeys;
}

/** All that the task reads, in the order of its parents in peach.conf; a parent that passed nothing is absent. */
export function inputsOf(run: Run, task: GraphTask): TaskInput[] {
  if (task.shape === "trigger") return [{ parent: "", ref: run.payload, ...keysOf(run.limitKeys) }];
  const passed = task.upstream.flatMap((ordinal) => {
    const parent = run.tasks[ordinal];
    const input = passedBy(run, parent, task.name);
    return parent === undefined || input === null ? [] : [{ parent: parent.task.name, ...input }];
  });
  if (run.recorded === undefined) return passed;
  const recorded = run.recorded.flatMap(({ task: name, parent, payload, limitKeys }) =>
    name === task.name ? [{ parent, ref: payload, ...keysOf(limitKeys) }] : [],
  );
  const place = ({ parent }: TaskInput): number => task.parents.indexOf(parent);
  return [...recorded, ...passed].toSorted((a, b) => place(a) - place(b));
}

/** The payload that a task with `each` reads, by the states as they are in the decision; null if nobody passed it one. */
export function arrayRead(
  run: Run,
  { name, shape, upstream }: GraphTask,
  stateOf: (ordinal: number) => TaskState,
): PayloadRef | null {
  if (shape === "trigger") return run.payload;
  const [parent] = upstream;
  if (parent === undefined) return run.recorded?.find(({ task }) => task === name)?.payload ?? null;
  const state = stateOf(parent);
  return state.status === "succeeded" ? (state.passed.to?.[name] ?? state.passed.output) : null;
}

/** What one task has passed to another; null if it is not in this run, or passed nothing. */
function passedBy(
  run: Run,
  parent: TaskEntry | undefined,
  child: string,
): Omit<TaskInput, "parent"> | null {
  if (parent?.state.status !== "succeeded") return null;
  const { output, to, limitKeys } = parent.state.passed;
  return {
    ref: to?.[child] ?? output,
    ...keysOf(limitKeys?.[child] ?? keysOfItems(run, parent, child)),
  };
}

/** Where one item follows on another, what each of them has passed says about the limits of the next. */
function keysOfItems(run: Run, { each }: TaskEntry, child: string): PayloadLimitKeys | undefined {
  if (each === undefined) return undefined;
  const keys = itemsOf(run, each).map(({ state }) => keysOfItem(state, child));
  return keys.some((one) => one !== null) ? keys.map((one) => one ?? {}) : undefined;
}

function keysOfItem(state: TaskState, child: string): LimitKeys | null {
  const keys = state.status === "succeeded" ? state.passed.limitKeys?.[child] : undefined;
  return keys === undefined || isKeyList(keys) ? null : keys;
}

function keysOf(limitKeys: PayloadLimitKeys | undefined): Pick<TaskInput, "limitKeys"> {
  return limitKeys === undefined ? {} : { limitKeys };
}

/** What one task of a run is to read from one that does not run again. */
export interface OutsideInput {
  readonly task: string;
  readonly parent: string;
}

/** The inputs of the tasks of `graph` that come from tasks outside of it, but for its root. */
export function outsideInputs(graph: RunGraph): OutsideInput[] {
  const inside = new Set(graph.tasks.map(({ name }) => name));
  return graph.tasks
    .slice(1)
    .flatMap(({ name, parents }) =>
      parents.flatMap((parent) => (inside.has(parent) ? [] : [{ task: name, parent }])),
    );
}

/** What a replay from a task reads. */
export interface ReplayInputs {
  /** What its first task has read; null: it has never come to read anything. */
  readonly own: RecordedOwn | null;
  readonly outside: readonly (OutsideInput & Omit<TaskInput, "parent">)[];
}

export interface RecordedOwn {
  readonly shape: InputShape;
  /** As peach.conf had them when the run was accepted. */
  readonly parents: readonly string[];
  /** Of shape `trigger`: one, of no parent. */
  readonly inputs: readonly TaskInput[];
}

/** What was recorded of this task, and of those outside from which tasks behind it read. */
export function replayInputs(
  run: Run,
  from: string,
  outside: readonly OutsideInput[],
): ReplayInputs {
  return {
    own: readBy(run, from),
    outside: outside.flatMap(({ task: child, parent }) => {
      const known = run.recorded?.find((one) => one.task === child && one.parent === parent);
      const passed = passedBy(
        run,
        run.tasks.find((candidate) => candidate.task.name === parent),
        child,
      );
      if (passed !== null) return [{ task: child, parent, ...passed }];
      return known === undefined
        ? []
        : [{ task: child, parent, ref: known.payload, ...keysOf(known.limitKeys) }];
    }),
  };
}

function readBy(run: Run, name: string): RecordedOwn | null {
  const entry = run.tasks.find(({ task }) => task.name === name);
  if (entry === undefined) return null;
  const { task, state, attempts } = entry;
  const endings = task.upstream.flatMap((ordinal) => run.tasks[ordinal]?.state ?? []);
  const reached =
    attempts.length > 0 ||
    (state.status !== "skipped" && endings.every(({ status }) => status === "succeeded"));
  if (!reached || !endings.every(isFinal)) return null;
  return { shape: task.shape, parents: task.parents, inputs: inputsOf(run, task) };
}

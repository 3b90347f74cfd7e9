/**
 * Inputs of a task, as references: the trigger's payload, outputs of upstream tasks, and recorded
 * inputs of a partial replay.
 */
import { itemsOf } from "./mapped-task.ts";
import type { GraphTask, InputShape, RunGraph } from "../plan/run-graph.ts";
import { isKeyList, type LimitKeys, type PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import { isFinal, type TaskState } from "./task-state.ts";
import { type Run, type TaskEntry } from "./state.ts";

/** Input of a task. `parent` is empty for the trigger's payload. */
export interface TaskInput {
  readonly parent: string;
  readonly ref: PayloadRef;
  /** Limit keys for the reading task. */
  readonly limitKeys?: PayloadLimitKeys;
}

/**
 * Returns all inputs in the order of the parents in peach.conf. A parent without output is absent.
 */
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

/** Input array of a mapped task, by states including pending changes; null without an output. */
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

/** Output of one task for a child; null if outside the run, or without an output. */
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

/** Limit keys per item, for an item-wise child. */
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

/** Input of a task in a run from a task outside. */
export interface OutsideInput {
  readonly task: string;
  readonly parent: string;
}

/** Returns the inputs from tasks outside `graph`, except those of its root. */
export function outsideInputs(graph: RunGraph): OutsideInput[] {
  const inside = new Set(graph.tasks.map(({ name }) => name));
  return graph.tasks
    .slice(1)
    .flatMap(({ name, parents }) =>
      parents.flatMap((parent) => (inside.has(parent) ? [] : [{ task: name, parent }])),
    );
}

/** Inputs of a replay starting at a task. */
export interface ReplayInputs {
  /** Recorded input of the first task; null if the task never read anything. */
  readonly own: RecordedOwn | null;
  readonly outside: readonly (OutsideInput & Omit<TaskInput, "parent">)[];
}

export interface RecordedOwn {
  readonly shape: InputShape;
  /** Parents in peach.conf at acceptance. */
  readonly parents: readonly string[];
  /** Inputs; for shape `trigger` a single one without a parent. */
  readonly inputs: readonly TaskInput[];
}

/**
 * Finds the recorded inputs of the first task and of later tasks with parents outside the replay.
 */
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
    // A root that a limit has skipped never started, and yet its input is known.
    task.shape === "trigger" ||
    (state.status !== "skipped" && endings.every(({ status }) => status === "succeeded"));
  if (!reached || !endings.every(isFinal)) return null;
  return { shape: task.shape, parents: task.parents, inputs: inputsOf(run, task) };
}

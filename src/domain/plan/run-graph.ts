/**
 * The part of the plan covered by one run: the root task and every task reachable by `downstream`,
 * fixed at acceptance. Ordinals identify tasks; the root is 0.
 */
import type { TaskLimits } from "../limits/limit.ts";
import type { Dispatch, EachPlan, Plan, TaskPlan } from "./plan.ts";

/** Maximum number of tasks in a run. */
export const MAX_TASKS = 20_000;

/** Longest timeout of a task in a driver. Above, each attempt has its own executor object. */
export const DRIVER_LANE_MAX_TIMEOUT_MS = 25_000;

/**
 * Shape of a task's input, by its parents in peach.conf (not in the run): `trigger` for the
 * trigger's payload (the root), `value` for the output of a single parent, `keyed` for an object by
 * parent name.
 */
export type InputShape = "trigger" | "value" | "keyed";

export interface GraphTask extends Pick<
  TaskPlan,
  "name" | "method" | "module" | "runIf" | "retries" | "timeoutMs"
> {
  /** Ordinals in this run. */
  readonly upstream: readonly number[];
  readonly downstream: readonly number[];
  /** Names of all parents in peach.conf, inside the run or not. */
  readonly parents: readonly string[];
  readonly shape: InputShape;
  /** Set if the task waits for an external completion after its method has returned. */
  readonly external?: true;
  /** Absent for a task which runs once. */
  readonly each?: EachPlan;
  /** Absent without limits. */
  readonly limits?: TaskLimits;
}

export interface RunGraph {
  readonly confVersion: string;
  /**
   * Creation of the plan's deployment in epoch milliseconds, for a graph with limits; absent if the
   * platform does not say.
   */
  readonly madeAt?: number;
  readonly retentionMs: number;
  readonly inlineLimitBytes: number;
  readonly dispatch: Dispatch;
  /** Time after which the open run is late; absent: never. */
  readonly lateAfterMs?: number;
  /** Task alerted after a failure of the run. */
  readonly onFailure?: string;
  /** Tasks by ordinal in breadth-first order; 0 is the root. */
  readonly tasks: readonly GraphTask[];
}

export type Lane = "driver" | "executor";

/** Longest duration of a task's method. An external task's method only hands the work over. */
export function methodMs({ timeoutMs, external }: GraphTask): number {
  return external === true ? Math.min(timeoutMs, DRIVER_LANE_MAX_TIMEOUT_MS) : timeoutMs;
}

/**
 * Time between an attempt's timeout and the end of its lease, for storing the output and settling.
 */
export const LEASE_GRACE_MS = 10_000;

/** Duration of a lease for an attempt of this task or its items. */
export function leaseMs(task: GraphTask): number {
  return methodMs(task) + LEASE_GRACE_MS;
}

/**
 * Tests whether drivers start items by themselves. Items of the long lane and items with limits are
 * started by the run.
 */
export function isBegunByDrivers(task: GraphTask): boolean {
  return laneOf(task) === "driver" && task.limits === undefined;
}

/** Lane of a task's attempts. */
export function laneOf(task: GraphTask): Lane {
  if (task.external === true) return "driver";
  return task.timeoutMs <= DRIVER_LANE_MAX_TIMEOUT_MS ? "driver" : "executor";
}

/**
 * Restricts `maxParallel` to the limits without a key. Further items would only wait in a queue of
 * their own.
 */
function eachWithin(each: EachPlan, { limits }: TaskPlan): EachPlan {
  const most = [limits?.concurrency, limits?.rateLimit].map((limit) =>
    limit && limit.key === null ? limit.limit : Number.POSITIVE_INFINITY,
  );
  return { ...each, maxParallel: Math.min(each.maxParallel, ...most) };
}

/** Builds the graph of a run of `root`; null if the plan has no such task. */
export function graphFrom(plan: Plan, root: string): RunGraph | null {
  const rootPlan = plan.tasks[root];
  if (rootPlan === undefined) return null;
  const found = [rootPlan];
  const ordinals = new Map([[root, 0]]);
  for (const { downstream } of found) {
    for (const name of downstream) {
      const child = plan.tasks[name];
      if (child === undefined || ordinals.has(name)) continue;
      ordinals.set(name, found.length);
      found.push(child);
    }
  }
  const toOrdinals = (tasks: readonly string[]): number[] =>
    tasks.flatMap((name) => ordinals.get(name) ?? []);
  const tasks = found.map((task, ordinal): GraphTask => {
    const shape: InputShape =
      ordinal === 0 ? "trigger" : task.upstream.length === 1 ? "value" : "keyed";
    return {
      name: task.name,
      method: task.method,
      ...(task.module !== undefined && { module: task.module }),
      upstream: toOrdinals(task.upstream),
      downstream: toOrdinals(task.downstream),
      parents: task.upstream,
      shape,
      runIf: task.runIf,
      retries: task.retries,
      timeoutMs: task.timeoutMs,
      ...(task.external && { external: true }),
      ...(task.each !== null && { each: eachWithin(task.each, task) }),
      ...(task.limits !== null && { limits: task.limits }),
    };
  });
  return {
    confVersion: plan.version,
    retentionMs: plan.retentionMs,
    inlineLimitBytes: plan.inlineLimitBytes,
    dispatch: rootPlan.dispatch,
    ...(rootPlan.lateAfterMs !== undefined && { lateAfterMs: rootPlan.lateAfterMs }),
    // A failure of the alert task itself raises no alert.
    ...(plan.onFailure !== null && plan.onFailure !== root && { onFailure: plan.onFailure }),
    tasks,
  };
}

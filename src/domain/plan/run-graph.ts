/**
 * The part of the plan that one run covers: its root task and everything reachable from it by `downstream`, fixed when the
 * run is accepted. Tasks are known by their ordinal here; the root is 0.
 */
import type { TaskLimits } from "../limits/limit.ts";
import type { Dispatch, EachPlan, Plan, RetryPolicy, TaskPlan } from "./plan.ts";
import type { RunIf } from "../run/start-rule.ts";

/** The tasks of one run, at most. */
export const MAX_TASKS = 20_000;

/** Up to this timeout a task runs in a driver; above, each attempt has an executor object of its own. */
export const DRIVER_LANE_MAX_TIMEOUT_MS = 25_000;

/**
 * What a task reads, by its upstream tasks in peach.conf (not by the run): `trigger` is what the trigger carried (the root),
 * `value` what the one parent passed, `keyed` an object by parent name.
 */
export type InputShape = "trigger" | "value" | "keyed";

export interface GraphTask {
  readonly name: string;
  /** Key into the method registry. */
  readonly method: string;
  /** The file that exported it, where `method` does not say: others may export that name by now. */
  readonly module?: string;
  /** In this run. */
  readonly upstream: readonly number[];
  readonly downstream: readonly number[];
  /** Upstream tasks by name as peach.conf has them, in this run or not. */
  readonly parents: readonly string[];
  readonly shape: InputShape;
  readonly runIf: RunIf;
  readonly retries: RetryPolicy;
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** It waits for somebody to complete it, once its method has returned; absent: its method completes it. */
  readonly external?: true;
  /** Absent: it runs once. */
  readonly each?: EachPlan;
  /** Absent where there are none. */
  readonly limits?: TaskLimits;
}

export interface RunGraph {
  readonly confVersion: string;
  /** Of a graph with limits: when the deployment was made whose plan this is, epoch ms; absent: the platform does not say. */
  readonly madeAt?: number;
  readonly retentionMs: number;
  readonly inlineLimitBytes: number;
  readonly dispatch: Dispatch;
  /** The task that is told if the run fails; absent: none. */
  readonly onFailure?: string;
  /** By ordinal, each after the tasks that were found before it; 0 is the root. */
  readonly tasks: readonly GraphTask[];
}

export type Lane = "driver" | "executor";

/** How long the method of a task may take: of an external one, to hand the work over. */
export function methodMs({ timeoutMs, external }: GraphTask): number {
  return external === true ? Math.min(timeoutMs, DRIVER_LANE_MAX_TIMEOUT_MS) : timeoutMs;
}

/** How long after an attempt's timeout its lease runs out: time to store its output and to settle. */
export const LEASE_GRACE_MS = 10_000;

/** How long after the beginning of an attempt of this task (or of an item of it) its lease runs out. */
export function leaseMs(task: GraphTask): number {
  return methodMs(task) + LEASE_GRACE_MS;
}

/** Whether a driver that asks for work begins items by itself: those of the long lane, and those with limits, begin without it. */
export function isBegunByDrivers(task: GraphTask): boolean {
  return laneOf(task) === "driver" && task.limits === undefined;
}

/** Where the attempts of a task run. */
export function laneOf(task: GraphTask): Lane {
  if (task.external === true) return "driver";
  return task.timeoutMs <= DRIVER_LANE_MAX_TIMEOUT_MS ? "driver" : "executor";
}

/** No more items are begun than a limit without a key lets run: the rest would only wait in a line of their own. */
function eachWithin(each: EachPlan, { limits }: TaskPlan): EachPlan {
  const most = [limits?.concurrency, limits?.rateLimit].map((limit) =>
    limit && limit.key === null ? limit.limit : Number.POSITIVE_INFINITY,
  );
  return { ...each, maxParallel: Math.min(each.maxParallel, ...most) };
}

/** The graph of a run of `root`, or null if the plan has no such task. */
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
    // What tells of failures is not told of its own.
    ...(plan.onFailure !== null && plan.onFailure !== root && { onFailure: plan.onFailure }),
    tasks,
  };
}

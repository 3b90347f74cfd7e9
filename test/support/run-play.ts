/**
 * A run played by hand against the machine: a DAG as text, events one by one. Each change goes through JSON before it is folded,
 * as it does through the journal.
 */
import { type RunGraph, graphFrom } from "../../src/domain/plan/run-graph.ts";
import { type RunId, runIdFromBytes } from "../../src/domain/ids.ts";
import { advance, nextWakeAt } from "../../src/domain/run/machine.ts";
import type { QueueProgress } from "../../src/domain/queue-progress.ts";
import type { PayloadRef } from "../../src/domain/payload.ts";
import type { Plan, RetryPolicy, TaskPlan } from "../../src/domain/plan/plan.ts";
import { itemsOf } from "../../src/domain/run/mapped-task.ts";
import { applyChange } from "../../src/domain/run/apply-change.ts";
import { entryOf, newRun, type Run, type RunGenesis, type ChildRun } from "../../src/domain/run/state.ts";
import { type AttemptError } from "../../src/domain/run/attempt.ts";
import { type RunChange } from "../../src/domain/run/run-change.ts";
import { type TaskState } from "../../src/domain/run/task-state.ts";
import type {
  TransitionResult,
  DriverClaim,
  Effect,
  GrantedLease,
  LostOutcome,
  Outcome,
  MachineEvent,
} from "../../src/domain/run/machine-events.ts";
import { planOf, taskPlan } from "./plan.ts";

export const RUN_ID: RunId = runIdFromBytes(new Uint8Array(16));
export const BOOM: AttemptError = { name: "Error", message: "boom", stack: null };
export const FRESH_DRIVER: DriverClaim = { holding: 0, budgetMs: 28_000 };

/** The settings of single tasks; `retries` may be the limit alone. */
export type TaskSettings = Readonly<
  Record<string, Omit<Partial<TaskPlan>, "retries"> & { readonly retries?: number | Partial<RetryPolicy> }>
>;

/** A plan drawn as text: `a > b c, b > d, c > d`. Tasks stand in the order in which they are first named. */
export function pipeline(dag: string, settings: TaskSettings = {}, overrides: Partial<Omit<Plan, "tasks">> = {}): Plan {
  const tasks = new Map<string, { downstream: string[]; upstream: string[] }>();
  const task = (name: string): { downstream: string[]; upstream: string[] } => {
    const known = tasks.get(name) ?? { downstream: [], upstream: [] };
    tasks.set(name, known);
    return known;
  };
  for (const line of dag.split(",")) {
    const [parent = "", children = ""] = line.split(">").map((side) => side.trim());
    task(parent);
    for (const child of children.split(" ").filter((name) => name !== "")) {
      task(parent).downstream.push(child);
      task(child).upstream.push(parent);
    }
  }
  const plans = [...tasks].map(([name, edges]) => {
    const { retries, ...rest } = settings[name] ?? {};
    const policy = typeof retries === "number" ? { limit: retries } : retries;
    return taskPlan(name, { ...edges, ...rest, retries: { ...taskPlan(name).retries, jitter: false, ...policy } });
  });
  return planOf(plans, overrides);
}

/** The graph of a run of the first task of `pipeline`. */
export function graphOf(
  dag: string,
  settings: TaskSettings = {},
  overrides: Partial<Omit<Plan, "tasks">> = {},
): RunGraph {
  const plan = pipeline(dag, settings, overrides);
  const graph = graphFrom(plan, Object.keys(plan.tasks)[0] ?? "");
  if (graph === null) throw new RangeError(`no task in "${dag}"`);
  return graph;
}

export function genesisOf(graph: RunGraph, createdAt = 0): RunGenesis {
  return {
    id: RUN_ID,
    graph,
    origin: { source: "api", by: "test", parent: null },
    payload: payloadRef("trigger", graph.tasks[0]?.each === undefined ? undefined : 3),
    createdAt,
    nonce: "n",
  };
}

/** `length`: of a JSON array. */
export function payloadRef(key: string, length?: number): PayloadRef {
  return {
    kind: "json",
    size: 2,
    contentType: "application/json",
    at: "r2",
    key,
    ...(length !== undefined && { length }),
  };
}

/** The task passed an array of so many items. */
export function passedArray(length: number): Outcome {
  return { type: "succeeded", passed: { output: payloadRef("array", length), to: null } };
}

export function succeeded(key = "output", chosen?: readonly string[]): Outcome {
  return { type: "succeeded", passed: { output: payloadRef(key), to: null, ...(chosen !== undefined && { chosen }) } };
}

export function failed(overrides: Partial<Extract<Outcome, { type: "failed" }>> = {}): Outcome {
  return { type: "failed", error: BOOM, retryable: true, retryAfterMs: null, reason: "error", ...overrides };
}

/** Of any payload whose bytes nobody looks at. */
export const PAYLOAD: PayloadRef = payloadRef("any");

export const TIMED_OUT: Outcome = { type: "timed_out", error: BOOM };

/** `sole`: what a witness says; absent: none was asked. */
export function lost(to: "worker" | "surroundings", sole?: readonly number[]): LostOutcome {
  return { type: "lost", to, error: BOOM, ...(sole !== undefined && { sole }) };
}

/** Awaits one other run until then. */
export function suspended(until: number): Outcome {
  const awaited = { runId: RUN_ID, task: "other", call: `${RUN_ID}/0`, until };
  return { type: "suspended", awaits: [awaited] };
}

export class Play {
  readonly run: Run;
  readonly changes: RunChange[] = [];
  now: number;
  /** What is known of the queue. */
  queue: QueueProgress | null = null;
  /** What the last event did. */
  last: TransitionResult = { change: null, effects: [], leases: [], rejections: [] };

  /** The run just accepted, at `now`. */
  constructor(
    dag: string | RunGraph,
    settings: TaskSettings = {},
    {
      now = 1_000_000,
      claim = null,
      delayMs = 0,
      genesis = {},
    }: {
      readonly now?: number;
      readonly claim?: DriverClaim | null;
      readonly delayMs?: number;
      readonly genesis?: Partial<RunGenesis>;
    } = {},
  ) {
    this.now = now;
    this.run = newRun({ ...genesisOf(typeof dag === "string" ? graphOf(dag, settings) : dag, now), ...genesis });
    this.event({ type: "accepted", claim, delayMs });
  }

  event(event: MachineEvent): TransitionResult {
    this.last = advance(this.run, event, this.now, this.queue);
    if (this.last.change !== null) {
      const change: RunChange = JSON.parse(JSON.stringify(this.last.change));
      this.changes.push(change);
      applyChange(this.run, change);
    }
    return this.last;
  }

  /** What a driver is granted, by task name. */
  claim(claim: Partial<DriverClaim> = {}): string[] {
    return this.event({ type: "claimed", claim: { ...FRESH_DRIVER, ...claim } }).leases.map(({ ordinal }) =>
      this.nameOf(ordinal),
    );
  }

  begin(task: string, holder: string): GrantedLease | null {
    return this.event({ type: "begun", ordinal: this.ordinalOf(task), holder }).leases[0] ?? null;
  }

  /** The same of a suspect that is tried, whatever is left of its pause. */
  beginTrial(task: string, holder: string): GrantedLease | null {
    return this.event({ type: "begun", ordinal: this.ordinalOf(task), holder, onTrial: true }).leases[0] ?? null;
  }

  /** An executor object runs the task alone, tried if its pause is not over, and dies with it: its alarm says so. */
  dieAlone(task: string): TransitionResult {
    const lease = this.beginTrial(task, `executor of ${this.now}`);
    if (lease === null) throw new Error(`${task} is ${this.stateOf(task).status}, no executor object may begin it`);
    return this.settle(task, lost("worker"));
  }

  /** Ends the running attempt of this task; `claim` asks for more work in the same call. */
  settle(
    task: string,
    outcome: Outcome,
    claim: DriverClaim | null = null,
    children: readonly ChildRun[] = [],
  ): TransitionResult {
    const lease = this.leaseOf(task);
    return this.event({ type: "settled", attempts: [{ ...lease, outcome, children, logs: null }], claim });
  }

  /** Claims with fresh drivers and settles what they get as succeeded, until there is nothing to claim. */
  succeedAll(): void {
    for (let granted = this.claim(); granted.length > 0; granted = this.claim()) {
      for (const task of granted) this.settle(task, succeeded(task));
    }
  }

  wake(): TransitionResult {
    return this.event({ type: "woken" });
  }

  /** Lets time pass until the run is due, and wakes it. Milliseconds that passed. */
  wakeWhenDue(): number {
    const passed = Math.max(0, nextWakeAt(this.run) - this.now);
    this.now += passed;
    this.wake();
    return passed;
  }

  cancel(): TransitionResult {
    return this.event({ type: "cancelled" });
  }

  leaseOf(task: string): GrantedLease {
    const state = this.stateOf(task);
    if (state.status !== "running") throw new Error(`${task} is ${state.status}, not running`);
    return { ordinal: this.ordinalOf(task), attempt: state.attempt, token: state.token };
  }

  stateOf(task: string): TaskState {
    const entry = entryOf(this.run, this.ordinalOf(task));
    if (entry === undefined) throw new RangeError(`no task ${task}`);
    return entry.state;
  }

  /** Attempts of a task as `status` in order. */
  attemptsOf(task: string): string[] {
    return entryOf(this.run, this.ordinalOf(task))?.attempts.map(({ status }) => status) ?? [];
  }

  /** Each task's status. */
  get statuses(): Record<string, TaskState["status"]> {
    return Object.fromEntries(this.run.tasks.map(({ task, state }) => [task.name, state.status]));
  }

  effects<T extends Effect["type"]>(type: T): Extract<Effect, { type: T }>[] {
    return this.last.effects.filter((effect): effect is Extract<Effect, { type: T }> => effect.type === type);
  }

  /** Of a task, or of an item: `name[3]`. */
  ordinalOf(task: string): number {
    const [, name = task, index] = /^(.*)\[(\d+)\]$/.exec(task) ?? [];
    const ordinal = this.run.tasks.findIndex((entry) => entry.task.name === name);
    return index === undefined ? ordinal : (this.run.tasks[ordinal]?.each?.first ?? Number.NaN) + Number(index);
  }

  nameOf(ordinal: number): string {
    const { task, item } = entryOf(this.run, ordinal) ?? {};
    return `${task?.name ?? ""}${item === undefined ? "" : `[${item.index}]`}`;
  }

  /** What became of the items of a task, in order. */
  itemsOf(task: string): string[] {
    const { each } = this.run.tasks[this.ordinalOf(task)] ?? {};
    return each === undefined ? [] : itemsOf(this.run, each).map(({ state }) => state.status);
  }
}

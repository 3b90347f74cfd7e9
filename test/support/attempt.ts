/** Attempts of methods that a test writes, on a lease of its own making; the bindings are the real ones. */
import { env } from "./env.ts";
import type { ArrayReader } from "../../src/payloads/array-reader.ts";
import type { Lease } from "../../src/objects/run/lease-rpc.ts";
import type { Settlement } from "../../src/objects/run/settlement-rpc.ts";
import { Deadlines } from "../../src/execution/attempt/deadlines.ts";
import { acceptTrigger, emitEvent, plan } from "./deployed.ts";
import { executeAttempt } from "../../src/execution/attempt/run-attempt.ts";
import type { TaskFunction, TypedTask } from "../../src/execution/author/method.ts";
import type { ProgressReporter } from "../../src/execution/driver/progress-reporter.ts";
import type { TriggerHost } from "../../src/execution/author/trigger-calls.ts";
import type { RunId } from "../../src/domain/ids.ts";
import { acceptance, HandDrivenRun, newRunId } from "./hand-driven.ts";
import { planOf, taskPlan } from "./plan.ts";
import { inline } from "./settlements.ts";

/** The first attempt of a root task `only` whose trigger carried null, unless the test says otherwise. */
export function leaseFor(overrides: Partial<Lease> = {}): Lease {
  return {
    runId: newRunId(),
    ordinal: 0,
    task: "only",
    method: "method",
    attempt: 1,
    token: 1,
    timeoutMs: 25_000,
    inlineLimitBytes: 32_768,
    depth: 0,
    shape: "trigger",
    inputs: [{ parent: "", payload: inline(null) }],
    parents: [],
    children: [],
    ...overrides,
  };
}

export interface Attempt {
  readonly settlement: Settlement;
  /** What the attempt wants carried on after it. */
  readonly carried: readonly Promise<unknown>[];
}

/** Runs one attempt of this method; its triggers go to the tasks of test/support/pool. */
export async function attempt(
  method: TaskFunction | TypedTask,
  overrides: Partial<Lease> = {},
  port: Partial<TriggerHost> = {},
  reports?: ProgressReporter,
  arrays?: ArrayReader,
): Promise<Attempt> {
  const lease = leaseFor(overrides);
  const carried: Promise<unknown>[] = [];
  const lifetime = { waitUntil: (promise: Promise<unknown>) => void carried.push(promise), budgetMs: () => 28_000 };
  const settlement = await executeAttempt(
    lease,
    { tasks: { [lease.method]: method }, endpoints: {} },
    { env, lifetime, accept: acceptTrigger, emit: emitEvent, plan, ...port },
    new Deadlines(),
    arrays,
    reports,
  );
  return { settlement, carried };
}

/** Records a run with the one task `only`. Attempts put what they pass into R2 only for a run that is there. */
export async function recordedRun(): Promise<RunId> {
  return (await HandDrivenRun.accept(acceptance(planOf([taskPlan("only")]), "only"))).run.id;
}

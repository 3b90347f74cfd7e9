/** When a task starts, and when it is skipped: said once more, apart from the code under test. */
import type { RunIf } from "../../src/domain/run/start-rule.ts";
import { isFinal, type TaskState } from "../../src/domain/run/task-state.ts";
import { type Run, type TaskEntry } from "../../src/domain/run/state.ts";

/** Upstream tasks of one task, counted by how they ended. */
interface Upstream {
  readonly all: number;
  readonly open: number;
  readonly succeeded: number;
  /** Failed, or skipped because of a failure. */
  readonly failed: number;
  /** How many of those that succeeded chose other children. */
  readonly choseOthers: number;
}

/** `skip_failed`: because of a failure, as its own children count it. */
export type Verdict = "start" | "wait" | "skip" | "skip_failed";

/** With all upstream tasks final. */
const HOLDS: Readonly<Record<RunIf, (upstream: Upstream) => boolean>> = {
  all_success: ({ all, succeeded }) => succeeded === all,
  all_done: () => true,
  one_success: ({ all, succeeded }) => all === 0 || succeeded > 0,
  one_failed: ({ all, failed }) => all === 0 || failed > 0,
  none_failed: ({ failed }) => failed === 0,
  all_failed: ({ all, failed }) => failed === all,
  none_failed_min_one_success: ({ all, failed, succeeded }) => all === 0 || (failed === 0 && succeeded > 0),
};

/** The rules that a failure forbids, whatever else happens. */
const FORBIDDEN_BY_FAILURE: readonly RunIf[] = ["all_success", "none_failed", "none_failed_min_one_success"];

/** What must have become of a task, now that its upstream tasks stand as they do. */
export function verdictOn(run: Run, { task }: Pick<TaskEntry, "task">): Verdict {
  const upstream = upstreamOf(run, task);
  const { runIf } = task;
  if (FORBIDDEN_BY_FAILURE.includes(runIf)) {
    if (upstream.failed > 0) return "skip_failed";
    if (upstream.open > 0) return "wait";
  }
  if (upstream.choseOthers > 0) return "skip";
  if (runIf === "all_failed" && upstream.open + upstream.failed < upstream.all) return "skip";
  if (upstream.open > 0) return "wait";
  if (HOLDS[runIf](upstream)) return "start";
  return runIf === "one_success" && upstream.failed > 0 ? "skip_failed" : "skip";
}

/** Whether all of its upstream tasks are final, and its rule holds. */
export function mayStart(run: Run, entry: Pick<TaskEntry, "task">): boolean {
  return verdictOn(run, entry) === "start";
}

/** Whether it is skipped rightly, and says rightly whether because of a failure; or it had no slot, and does not wait for one. */
export function maySkip(run: Run, { task, state }: TaskEntry): boolean {
  if (state.status !== "skipped") return false;
  if (state.reason === "concurrency") return task.limits?.concurrency?.strategy === "skip" && mayStart(run, { task });
  return verdictOn(run, { task }) === (state.reason === "upstream_failed" ? "skip_failed" : "skip");
}

function upstreamOf(run: Run, task: TaskEntry["task"]): Upstream {
  const states = task.upstream.flatMap((parent) => run.tasks[parent]?.state ?? []);
  const count = (is: (state: TaskState) => boolean): number => states.filter(is).length;
  return {
    all: states.length,
    open: count((state) => !isFinal(state)),
    succeeded: count(({ status }) => status === "succeeded"),
    failed: count(
      (state) => state.status === "failed" || (state.status === "skipped" && state.reason === "upstream_failed"),
    ),
    choseOthers: count((state) => state.status === "succeeded" && state.passed.chosen?.includes(task.name) === false),
  };
}

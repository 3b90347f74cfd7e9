/** When a task may start, and when it may be skipped: said once more, apart from the code under test. */
import type { RunIf } from "../../src/core/run-if.ts";
import { isFinal, type Run, type TaskEntry } from "../../src/core/run.ts";

interface Upstream {
  readonly all: number;
  readonly open: number;
  readonly succeeded: number;
  readonly failed: number;
  /** How many chose other children. */
  readonly choseOthers: number;
}

const HOLDS: Readonly<Record<RunIf, (upstream: Upstream) => boolean>> = {
  all_success: ({ all, succeeded }) => succeeded === all,
  all_done: () => true,
  one_success: ({ all, succeeded }) => all === 0 || succeeded > 0,
  one_failed: ({ all, failed }) => all === 0 || failed > 0,
  none_failed: ({ failed }) => failed === 0,
};

const CANNOT_HOLD: Readonly<Record<RunIf, (upstream: Upstream) => boolean>> = {
  all_success: ({ all, open, succeeded }) => open + succeeded < all,
  all_done: () => false,
  one_success: ({ open, succeeded }) => open + succeeded === 0,
  one_failed: ({ open, failed }) => open + failed === 0,
  none_failed: ({ failed }) => failed > 0,
};

/** Whether all of its upstream tasks are final, and its rule holds. */
export function mayStart(run: Run, { task }: Pick<TaskEntry, "task">): boolean {
  const upstream = upstreamOf(run, task);
  return upstream.open === 0 && upstream.choseOthers === 0 && HOLDS[task.runIf](upstream);
}

/** Whether it can never start, whatever its open upstream tasks do; or had no slot, and does not wait for one. */
export function maySkip(run: Run, { task, state }: TaskEntry): boolean {
  if (state.status === "skipped" && state.reason === "concurrency")
    return task.limits?.concurrency?.strategy === "skip" && mayStart(run, { task });
  const upstream = upstreamOf(run, task);
  return upstream.choseOthers > 0 || CANNOT_HOLD[task.runIf](upstream);
}

function upstreamOf(run: Run, task: TaskEntry["task"]): Upstream {
  const states = task.upstream.flatMap((parent) => run.tasks[parent]?.state ?? []);
  return {
    all: states.length,
    open: states.filter((state) => !isFinal(state)).length,
    succeeded: states.filter(({ status }) => status === "succeeded").length,
    failed: states.filter(({ status }) => status === "failed").length,
    choseOthers: states.filter(
      (state) => state.status === "succeeded" && state.passed.chosen?.includes(task.name) === false,
    ).length,
  };
}

/** Runs a recorded run again in this process, or a single task of it. */
import { NonRetryableError } from "../execution/author/errors.ts";
import { compareRuns, type Difference } from "./compare-runs.ts";
import { testPipeline } from "./pipeline.ts";
import type { RecordedRun, RecordedTask } from "./recorded-run.ts";
import type { Mocks } from "./registry.ts";
import type { TestLogLine } from "./run-state.ts";
import type { TestTask } from "./test-run.ts";

/** The time that a run may take, on the driven clock: waits of tasks, retries, external tasks. */
const LONGEST_MS = 31 * 24 * 3_600_000;

/** Options of `repeatRun`. */
export interface RepeatOptions {
  /** The only task to run; other tasks pass the recorded values. Default: the whole run. */
  readonly task?: string | undefined;
  /** Variables and secrets of the pipelines. */
  readonly env: Readonly<Record<string, string>>;
}

/** The outcome of a repeated run. */
export interface RepeatedRun {
  readonly tasks: readonly TestTask[];
  readonly logs: readonly TestLogLine[];
  readonly differences: readonly Difference[];
}

/**
 * Runs a recording again, with the clock at the time of the recorded trigger and the exact payload.
 * External tasks are completed with the recorded values. Rejects if the task is not in the run.
 */
export async function repeatRun(
  recorded: RecordedRun,
  { task: only, env }: RepeatOptions,
): Promise<RepeatedRun> {
  if (only !== undefined && !recorded.tasks.some(({ task }) => task === only))
    throw new Error(`the run ${recorded.run_id} has no task "${only}"`);
  const mocks = only === undefined ? {} : mocksBut(only, recorded.tasks);
  const pipeline = await testPipeline({ now: recorded.created_at, mocks, env });
  try {
    const run = await pipeline.trigger(recorded.task, recorded.payload?.value);
    await pipeline.rest(LONGEST_MS);
    for (;;) {
      const waiting = run.tasks.find((task) => task.document.waiting_for?.for === "completion");
      const known = recorded.tasks.find(({ task }) => task === waiting?.name);
      if (waiting === undefined || known === undefined) break;
      await pipeline.complete(run, waiting.name, completionOf(known));
      await pipeline.rest(LONGEST_MS);
    }
    const { tasks, logs } = run;
    return { tasks, logs, differences: compareRuns(recorded, tasks, only) };
  } finally {
    pipeline.close();
  }
}

/** The parts of a task's context that a mock uses. */
interface MockedTask {
  readonly item?: { readonly index: number } | null;
  passToChildTask(data: unknown, options: { readonly to: string }): void;
}

/** Makes mocks with the recorded outcomes, for all tasks but one. */
function mocksBut(only: string, tasks: readonly RecordedTask[]): Mocks {
  const others = tasks.filter(({ task }) => task !== only);
  return Object.fromEntries(
    others.map((recorded) => [
      recorded.task,
      // A mock of a task with `each` is called once for each item.
      (_payload: unknown, task: MockedTask) => {
        const { item } = task;
        if (recorded.status === "failed") throw new NonRetryableError(messageOf(recorded));
        for (const [child, own] of Object.entries(recorded.to))
          task.passToChildTask(own.value, { to: child });
        const value = recorded.passed?.value;
        return Array.isArray(value) && item ? value[item.index] : value;
      },
    ]),
  );
}

function completionOf(recorded: RecordedTask) {
  return recorded.status === "succeeded"
    ? ({ status: "succeeded", payload: recorded.passed?.value } as const)
    : ({ status: "failed", error: { message: messageOf(recorded) } } as const);
}

function messageOf({ attempts }: RecordedTask): string {
  return attempts.findLast(({ error }) => error !== null)?.error?.message ?? "failed as recorded";
}

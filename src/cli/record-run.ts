/** Fetches a run with its payloads, as a recording to save or to run again. */
import type { ReceivedPayload } from "../client/payload.ts";
import { PeachError, type TaskOfRun } from "../client/client.ts";
import {
  recordedPayload,
  type RecordedPayload,
  type RecordedRun,
  type RecordedTask,
} from "../testing/recorded-run.ts";
import type { AnyClient } from "./deployment.ts";

/** Fetches the run. The payload of a task is null if deleted, or if the task passed none. */
export async function recordRun(
  { runs }: AnyClient,
  runId: string,
  signal: AbortSignal,
): Promise<RecordedRun> {
  const run = await runs.get(runId, { signal });
  const payload = await unlessGone(runs.payload(run.run_id, { signal }));
  const tasks: RecordedTask[] = [];
  // One after the other: a run has up to 20,000 tasks.
  for (const task of run.tasks) {
    const passed =
      task.output === null
        ? null
        : await unlessGone(runs.taskPayload(run.run_id, task.task, { signal }));
    const to: Record<string, RecordedPayload> = {};
    for (const child of task.passed_to ?? []) {
      const own = await unlessGone(runs.taskPayload(run.run_id, task.task, { to: child, signal }));
      if (own !== null) to[child] = own;
    }
    tasks.push(recordedTask(task, passed, to));
  }
  const { run_id, task, status, created_at, conf_version } = run;
  return { run_id, task, status, created_at, conf_version, payload, tasks };
}

function recordedTask(
  { task, status, reason, upstream, attempts }: TaskOfRun,
  passed: RecordedPayload | null,
  to: Readonly<Record<string, RecordedPayload>>,
): RecordedTask {
  return {
    task,
    status,
    reason,
    upstream: [...upstream],
    attempts: attempts.map(({ attempt, status: ended, error }) => ({
      attempt,
      status: ended,
      error: error === null ? null : { name: error.name, message: error.message },
    })),
    passed,
    to,
  };
}

async function unlessGone(answer: Promise<ReceivedPayload>): Promise<RecordedPayload | null> {
  try {
    const received = await answer;
    return recordedPayload(new Uint8Array(await received.bytes()), received.contentType);
  } catch (error) {
    if (error instanceof PeachError && error.code === "no_payload") return null;
    throw error;
  }
}

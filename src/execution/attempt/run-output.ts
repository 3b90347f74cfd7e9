/** The output of a final run: of its last task, or of a named task. */
import type { RunId } from "../../domain/ids.ts";
import { ProblemError, type Problem } from "../../domain/problem.ts";
import { openPayload } from "../../payloads/payload-store.ts";
import { callRun } from "../../objects/run/run-client.ts";
import type { RunDocument, TaskDocument } from "../../objects/run/run-documents-rpc.ts";
import { RunGoneError, TaskNotSucceededError } from "../author/errors.ts";

/**
 * Opens the output of a task in a final run, as the kind it was passed. Without `name`, the task is
 * the only one without downstream tasks. A stream is opened, not read. Rejects with
 * `TaskNotSucceededError`, or with a `ProblemError` if the task is unknown or ambiguous.
 */
export async function openOutput(
  env: Env,
  runId: RunId,
  document: RunDocument,
  name: string | undefined,
): Promise<unknown> {
  const { task, status, reason } = taskMeant(document, name);
  if (status !== "succeeded") throw new TaskNotSucceededError(runId, task, status, reason);
  const stored = await callRun(env, runId, (run) => run.payload(task));
  if (!stored) throw new RunGoneError(runId);
  return openPayload(env.PAYLOADS, stored, (seq, offset, size) =>
    callRun(env, runId, (run) => run.held(seq, offset, size)),
  );
}

function taskMeant({ run_id: runId, tasks }: RunDocument, name: string | undefined): TaskDocument {
  const meant = name === undefined ? tasks.filter(({ downstream }) => downstream.length === 0) : [];
  const [only] = name === undefined ? meant : tasks.filter(({ task }) => task === name);
  if (only !== undefined && meant.length <= 1) return only;
  const names = (name === undefined ? meant : tasks).map(({ task }) => task).join(", ");
  throw new ProblemError(
    name === undefined ? severalLast(runId, names) : noSuchTask(runId, name, names),
  );
}

function severalLast(runId: RunId, names: string): Problem {
  return {
    code: "invalid_request",
    detail: `The run ${runId} ends in several tasks, so it has no one output.`,
    hint: `Name one: output("..."), of ${names}.`,
  };
}

function noSuchTask(runId: RunId, name: string, names: string): Problem {
  return {
    code: "unknown_task",
    detail: `The run ${runId} has no task "${name}".`,
    hint: `Its tasks are ${names}.`,
  };
}

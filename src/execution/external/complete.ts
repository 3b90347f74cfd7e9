/**
 * Completes external tasks: by the URL of an attempt, or by the API, which completes the open
 * attempt. The run decides whether the report counts. Here the report is parsed, checked against
 * the task's `output`, and its payload stored, in R2 before the run refers to it.
 */
import { completionSchema } from "../../contract/run-actions.ts";
import type { RunId } from "../../domain/ids.ts";
import { ok, ProblemError, refuse, type Problem, type Result } from "../../domain/problem.ts";
import type { TaskStatus } from "../../domain/statuses.ts";
import { checkNow } from "../../payloads/checked.ts";
import { encodePayload, valueOf } from "../../payloads/codec.ts";
import { limitKeysOfChildren } from "../../payloads/limit-keys.ts";
import { listedPlaces, type WrongPlace, wrongPlaces } from "../../payloads/misfit.ts";
import { attemptPayloadKey, storePayload } from "../../payloads/payload-store.ts";
import { encodeRequestBody, type IncomingBody } from "../../payloads/request-body.ts";
import type { callRun } from "../../objects/run/run-client.ts";
import type { CompletableTask, CompletionReport } from "../../objects/run/completion-rpc.ts";
import { findMethod, type MethodRegistry } from "../author/method.ts";
import { fit } from "../../payloads/check-schema.ts";
import { isOurs, isSignedWith, type PresentedCompletion } from "./completion-token.ts";

/** Limit of the whole body; the payload is JSON. Bytes. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
const MAX_MESSAGE = 4_096;

/** The completed task and its present status. */
export interface Completed {
  readonly runId: RunId;
  readonly task: string;
  readonly status: TaskStatus;
}

export interface CompletionDependencies {
  readonly callRun: typeof callRun;
  readonly registry: MethodRegistry;
}

/**
 * Completes a task by its signed URL. Refuses with `signature_mismatch`, `completion_expired`,
 * `already_completed`, `not_waiting`, or for the body.
 */
export async function completeByToken(
  dependencies: CompletionDependencies,
  env: Env,
  presented: PresentedCompletion,
  body: IncomingBody,
): Promise<Result<Completed>> {
  if (!(await isOurs(env, presented))) return refuse(MISMATCH);
  const { runId, ordinal, attempt, token } = presented;
  const task = await dependencies.callRun(env, runId, (run) =>
    run.completable({ ordinal, attempt, token }),
  );
  // A caller without a valid token must not learn whether the run exists.
  if (!task || task.key === null || !(await isSignedWith(task.key, presented)))
    return refuse(MISMATCH);
  // The token is valid as long as a later attempt may wait.
  if (task.standing === "open" && (task.expiresAt ?? Number.POSITIVE_INFINITY) <= Date.now())
    return refuse(expired(task));
  return complete(dependencies, env, runId, task, body);
}

/**
 * Completes a task by the API; `by` says who, for the history. Null if the run does not exist,
 * undefined if it has no such task.
 */
export async function completeTask(
  dependencies: CompletionDependencies,
  env: Env,
  { runId, task: name, by }: { readonly runId: RunId; readonly task: string; readonly by: string },
  body: IncomingBody,
): Promise<Result<Completed> | undefined | null> {
  const task = await dependencies.callRun(env, runId, (run) => run.completable({ task: name }));
  return task ? complete(dependencies, env, runId, task, body, by) : task;
}

async function complete(
  { callRun, registry }: CompletionDependencies,
  env: Env,
  runId: RunId,
  task: CompletableTask,
  body: IncomingBody,
  by?: string,
): Promise<Result<Completed>> {
  const { ordinal, attempt, token } = task;
  if (task.standing !== "open") return refuse(tooLate(task, task.standing));
  const nonce = crypto.randomUUID();
  const outcome = await readOutcome(registry, task, body, async (value) => {
    const payload = encodePayload(value);
    if (!payload.ok) throw new ProblemError(payload.problem);
    const key = attemptPayloadKey(runId, ordinal, attempt, token, `completed-${nonce}`);
    const beforePut = async (): Promise<void> => {
      const isThere = await callRun(env, runId, (run) => run.expectOutput());
      if (!isThere) throw new ProblemError(tooLate(task, "over"));
    };
    const limitKeys = await limitKeysOfChildren(task.limited, () => payload.value);
    const output = await storePayload(
      env.PAYLOADS,
      key,
      payload.value,
      task.inlineLimitBytes,
      beforePut,
    );
    return { output, ...(limitKeys !== null && { limitKeys }) };
  });
  if (!outcome.ok) return outcome;
  const who = by === undefined ? {} : { by };
  const report = { ordinal, attempt, token, nonce, ...who, outcome: outcome.value };
  const answer = await callRun(env, runId, (run) => run.complete(report));
  if (answer === null) return refuse(tooLate(task, "over"));
  if (answer.standing !== "completed_now") return refuse(tooLate(task, answer.standing));
  return ok({ runId, task: task.task, status: answer.status });
}

async function readOutcome(
  registry: MethodRegistry,
  { task, method, module }: CompletableTask,
  body: IncomingBody,
  store: (
    value: unknown,
  ) => Promise<Omit<Extract<CompletionReport["outcome"], { type: "succeeded" }>, "type">>,
): Promise<Result<CompletionReport["outcome"]>> {
  const encoded = await encodeRequestBody(
    { ...body, contentType: "application/json" },
    MAX_BODY_BYTES,
  );
  if (!encoded.ok) return encoded;
  if (encoded.value.body instanceof ReadableStream) throw new Error("a JSON body is held");
  const { body: bytes } = encoded.value;
  const checked = checkNow(
    completionSchema,
    valueOf({ ...encoded.value, size: bytes.length, body: bytes }),
  );
  if (!checked.ok) return refuse(misfit(wrongPlaces(checked.issues)));
  const report = checked.value;
  if (report.status === "failed") {
    const { message = "reported as failed, without a reason", name = "Error" } = report.error ?? {};
    const error = {
      name: name.slice(0, MAX_MESSAGE),
      message: message.slice(0, MAX_MESSAGE),
      stack: null,
    };
    return ok({ type: "failed", error });
  }
  try {
    const output = (await findMethod(registry, method, module).catch(() => null))?.output ?? null;
    const what = `what completes the task "${task}"`;
    const value = await fit(output, report.payload ?? null, what, "decoded");
    return ok({ type: "succeeded", ...(await store(value)) });
  } catch (error) {
    if (error instanceof ProblemError) return refuse(error.problem);
    throw error;
  }
}

function misfit(errors: readonly WrongPlace[]): Problem {
  return {
    code: "invalid_payload",
    detail: `The body says not what the task came to: ${listedPlaces(errors)}.`,
    hint: 'Send {"status": "succeeded", "payload": …} or {"status": "failed", "error": {"message": …}}.',
    errors,
  };
}

const MISMATCH: Problem = {
  code: "signature_mismatch",
  detail: "The completion URL is not one that Peach has made, or its run is no more.",
  hint: "Use it as the task got it, to the last character.",
};

function expired({ task }: CompletableTask): Problem {
  return {
    code: "completion_expired",
    detail: `The time in which the task "${task}" could be completed is over.`,
    hint: "Its `timeout` in peach.conf says how long it waits; a retried attempt has a URL of its own.",
  };
}

function tooLate(
  task: CompletableTask,
  standing: "completed" | "timed_out" | "over" | "not_external",
): Problem {
  const { task: name, status } = task;
  switch (standing) {
    case "timed_out":
      return expired(task);
    case "completed":
      return {
        code: "already_completed",
        detail: `The attempt of the task "${name}" has been completed already; the task is ${status}.`,
        hint: "The first report counts; this one has changed nothing.",
      };
    case "over":
      return {
        code: "not_waiting",
        detail: `The task "${name}" waits for no completion: it is ${status}.`,
        hint: "It can be completed once its method has begun, until it has ended or was cancelled.",
      };
    case "not_external":
      return {
        code: "not_waiting",
        detail: `The task "${name}" is not external: its own method completes it.`,
        hint: "Only tasks with `external: true` in peach.conf are completed by others.",
      };
  }
}

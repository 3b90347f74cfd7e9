/**
 * `peach/task-helpers`: what pipelines import. Plain functions that know the task or endpoint they are called in, however deep
 * and however asynchronous; outside one they throw an error that says so.
 *
 * @example
 * import { passToChildTask, readFromParentTask, triggerTaskWithEvent } from "peach/task-helpers";
 *
 * export async function task1_method() {
 *   passToChildTask(JSON.stringify({ key1: "value1" }));
 * }
 *
 * export async function task2_method() {
 *   const received = JSON.parse(await readFromParentTask<string>());
 *   await triggerTaskWithEvent("collaborative_filtering", received);
 * }
 */
import type { ZodType, output as Parsed, input as Unparsed } from "zod";
import type {
  EmitOptions,
  EmitResult,
  TaskContext,
  TaskLog,
  OpenedObject,
  TriggeredRun,
  TriggerOptions,
} from "./execution/author/api.ts";
import { scopeOf, taskScopeOf } from "./execution/author/context.ts";
import type { TypedTask } from "./execution/author/method.ts";
import type { PeachTasks } from "./execution/author/peach-tasks.ts";
import type { ObjectEventPayload } from "./triggers/r2-notification.ts";
import { receiveObjectEvents } from "./triggers/receive-object-events.ts";

export type {
  EmitOptions,
  EmitResult,
  EndpointContext,
  OpenedObject,
  TaskContext,
  TaskLog,
  TriggeredRun,
  TriggerOptions,
} from "./execution/author/api.ts";
export type { ObjectEventPayload } from "./triggers/r2-notification.ts";
export {
  NonRetryableError,
  ResultTimeoutError,
  RetryAfterError,
  RunGoneError,
  TaskNotSucceededError,
} from "./execution/author/errors.ts";

/** What the trigger of this task takes; unknown for tasks declared without types. */
type TriggerPayload<Name extends string> = Name extends keyof PeachTasks
  ? PeachTasks[Name]
  : unknown;

/**
 * Triggers a task: resolves once its run is durably recorded. Inside a task a retried attempt gets the same run again.
 * Rejects if there is no such task, or the payload does not fit or cannot be stored.
 *
 * @example const { runId } = await triggerTaskWithEvent("audio_transcription", { s3_uri: "s3://uploads/audio/a.mp3" });
 */
export function triggerTaskWithEvent<Name extends (keyof PeachTasks & string) | (string & {})>(
  task: Name,
  payload?: TriggerPayload<Name>,
  options?: TriggerOptions,
): Promise<TriggeredRun> {
  return inScope("triggerTaskWithEvent", (scope) =>
    scope.triggerTaskWithEvent(task, payload, options),
  );
}

/**
 * Emits a named event: every task whose `on.event` names it gets a run, none if nobody listens. Inside a task a retried attempt
 * finds the same runs again. Rejects if the name is none, or if the payload cannot be stored or does not fit one of those tasks:
 * then nothing was started.
 *
 * @example const { runs } = await emitEvent("audio.published", { s3_uri: "s3://uploads/audio/a.mp3" });
 */
export function emitEvent(
  name: string,
  payload?: unknown,
  options?: EmitOptions,
): Promise<EmitResult> {
  return inScope("emitEvent", (scope) => scope.emitEvent(name, payload, options));
}

/** The promise of the scope itself, which knows whether it is awaited. */
function inScope<T>(
  helper: string,
  call: (scope: ReturnType<typeof scopeOf>) => Promise<T>,
): Promise<T> {
  try {
    return call(scopeOf(helper));
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Passes data to the downstream tasks, or with `to` to one of them. The last call counts; a task that never calls it passes
 * what it returns. Nothing is visible to them unless this attempt succeeds.
 */
export function passToChildTask(data: unknown, options?: { readonly to?: string }): void {
  taskScopeOf("passToChildTask").passToChildTask(data, options);
}

/** The same as `passToChildTask`. */
export const passDataToDownstream: typeof passToChildTask = passToChildTask;

/**
 * What the upstream task passed: its value if peach.conf declares one, an object keyed by name if it declares several (`parent`
 * picks one); on the root, what the trigger carried. `as: "stream"` gives the bytes, whatever the kind.
 */
export async function readFromParentTask<T = unknown>(parent?: string): Promise<T>;
export async function readFromParentTask(
  parent: string | undefined,
  options: { readonly as: "stream" },
): Promise<ReadableStream<Uint8Array>>;
export async function readFromParentTask(
  parent?: string,
  options?: { readonly as: "stream" },
): Promise<unknown> {
  const scope = taskScopeOf("readFromParentTask");
  return options === undefined
    ? scope.readFromParentTask(parent)
    : scope.readFromParentTask(parent, options);
}

/**
 * Chooses: of the downstream tasks only those named start; the others are skipped with the reason `not_chosen`. The last call
 * counts. Throws if a name is no downstream task.
 *
 * @example runOnlyChildTasks(transcript.language === "de" ? "recommend_german" : "recommend");
 */
export function runOnlyChildTasks(...names: readonly string[]): void {
  taskScopeOf("runOnlyChildTasks").runOnlyChildTasks(...names);
}

/**
 * Does this part of the task once: what it returns is kept, and later attempts of the task get it without doing it again, also when
 * the worker died. A step that throws is kept nowhere. Its name is its own within an attempt; steps may run side by side, but not
 * within one another. The result is any payload (JSON, text, bytes, a stream), and comes out as the same kind.
 *
 * @example const audio = await step("fetch", async () => (await fetch(url)).arrayBuffer());
 */
export async function step<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
  return taskScopeOf("step").step(name, fn);
}

/**
 * Says how far the task has come: a fraction from 0 to 1, and in words (500 characters are kept). The last one counts; it is seen
 * within about a second, and not at all if the task ends before that.
 *
 * @example progress(done / files.length, `${done} files`);
 */
export function progress(fraction: number, message?: string): void {
  taskScopeOf("progress").progress(fraction, message);
}

/**
 * Opens the object of an event: `{body, size, etag, contentType}`, where `body` is a stream. It lies in the R2 bucket of that name
 * that wrangler.toml binds, else in S3, or a store like it, that the secrets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and
 * perhaps AWS_ENDPOINT_URL lead to. Rejects with `NonRetryableError` if there is no such object, or no right to read it.
 *
 * @example const { body, contentType } = await openObject("s3://uploads/audio/a.mp3");
 */
export async function openObject(s3Uri: string): Promise<OpenedObject> {
  return scopeOf("openObject").openObject(s3Uri);
}

/**
 * The object events in a request, as AWS S3 (itself, through SNS or EventBridge), MinIO and R2 send them, each as a task reads it that
 * `on.r2` triggers; `action` is in R2's words, keys are decoded. It confirms no subscription of SNS: `auth` of the endpoint does.
 * Rejects if the body is none of these: the endpoint then answers 400 with the paths that are wrong, unless it catches that.
 *
 * @example
 * export async function uploaded(request: Request) {
 *   for (const event of await objectEventsFrom(request)) {
 *     const idempotencyKey = `${event.s3_uri} ${event.etag} ${event.event_time}`;
 *     await triggerTaskWithEvent("audio_transcription", event, { idempotencyKey });
 *   }
 * }
 */
export async function objectEventsFrom(request: Request): Promise<ObjectEventPayload[]> {
  return receiveObjectEvents(request);
}

/** The task that is running: name, run id, attempt, `env`, `signal`, and the helpers as methods. */
export function currentTask(): TaskContext {
  return taskScopeOf("currentTask");
}

/** Log lines of the attempt (at most 1,000, 64 KiB), kept with the run and written to the worker's log. */
export const log: TaskLog = {
  info: (message, fields) => scopeOf("log.info").log.info(message, fields),
  warn: (message, fields) => scopeOf("log.warn").log.warn(message, fields),
  error: (message, fields) => scopeOf("log.error").log.error(message, fields),
};

/**
 * Declares a task with types. Triggers are checked against `input` before they are accepted, what it passes against `output`;
 * and an edge of peach.conf whose parent's output does not fit its child's input is an error of `npm run check`.
 *
 * @example
 * export const recommend = task({ input: transcript, output: recommendations, run: async (payload) => rank(payload.text) });
 */
export function task<
  Input extends ZodType = ZodType<unknown>,
  Output extends ZodType = ZodType<unknown>,
>(declaration: {
  readonly input?: Input;
  readonly output?: Output;
  readonly run: (
    payload: Parsed<Input>,
    task: TaskContext,
  ) => Promise<Unparsed<Output> | void> | Unparsed<Output> | void;
}): TypedTask<Input, Output> {
  return {
    kind: "peach.task",
    input: declaration.input ?? null,
    output: declaration.output ?? null,
    run: declaration.run,
  };
}

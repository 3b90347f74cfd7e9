/**
 * `peach/task-helpers`: the functions that pipelines import. A helper finds the task or endpoint it
 * is called in, however deep and however asynchronous the call is; outside of both it throws an
 * error.
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
import type * as project from "./contract/project-types.ts";
import type { EmitOptions, OpenedObject, TaskLog, TriggerOptions } from "./execution/author/api.ts";
import { scopeOf, taskScopeOf } from "./execution/author/context.ts";
import type { TypedTask } from "./execution/author/method.ts";
import type { EmitResult, TaskContext, TriggeredRun } from "./execution/author/typed-api.ts";
import type { Recommendation } from "./execution/author/recommendation-claims.ts";
import { markServed, type Served, wrapServed } from "./domain/recommendations/served.ts";
import type { ObjectEventPayload } from "./triggers/r2-notification.ts";
import type { InferInput, InferOutput, StandardSchema } from "./domain/standard-schema.ts";
import { receiveObjectEvents } from "./triggers/receive-object-events.ts";

// The types of arguments and results, for functions of a pipeline's own.
export type { EmitOptions, OpenedObject, TaskLog, TriggerOptions } from "./execution/author/api.ts";
export type { TypedTask } from "./execution/author/method.ts";
export type { InferInput, InferOutput, StandardSchema } from "./domain/standard-schema.ts";
export type { Recommendation } from "./execution/author/recommendation-claims.ts";
export type { Served, ServedBy } from "./domain/recommendations/served.ts";
export type {
  ComponentContext,
  EmitResult,
  EndpointContext,
  TaskContext,
  TriggeredRun,
} from "./execution/author/typed-api.ts";
// All of the files, not single names: only so may a project add its types to the interfaces.
export type * from "./contract/project-types.ts";
export type * from "./contract/peach-recommendations.ts";
export type { ObjectEventPayload } from "./triggers/r2-notification.ts";
// A task throws NonRetryableError to fail at once, and RetryAfterError to choose the next attempt's
// time. The other errors come from `result()` and `output()` of a triggered run.
export {
  InvalidRecommendationError,
  NonRetryableError,
  ResultTimeoutError,
  RetryAfterError,
  RunGoneError,
  TaskNotSucceededError,
} from "./execution/author/errors.ts";

/**
 * Triggers a task. Resolves once the run is durably recorded. Inside a task, a retried attempt gets
 * the same run again. Rejects if the task is unknown, or if the payload does not fit the task or
 * cannot be stored. A computed name needs `triggerTaskWithEvent<any>(name, payload)`.
 *
 * @example
 * const payload = { s3_uri: "s3://uploads/audio/a.mp3" };
 * const { runId } = await triggerTaskWithEvent("audio_transcription", payload);
 */
export function triggerTaskWithEvent<Name extends project.TaskName>(
  task: Name,
  ...rest: project.PayloadArguments<project.PayloadOf<Name>, TriggerOptions>
): Promise<TriggeredRun<Name>>;
export function triggerTaskWithEvent(
  task: string,
  payload?: unknown,
  options?: TriggerOptions,
): Promise<unknown> {
  return inScope("triggerTaskWithEvent", (scope) =>
    scope.triggerTaskWithEvent(task, payload, options),
  );
}

/**
 * Emits a named event: every task whose `on.event` names the event gets a run; without such a task
 * there are no runs. Inside a task, a retried attempt finds the same runs again. Rejects if the
 * name is not valid, or if the payload cannot be stored or does not fit one of the tasks; then no
 * run was started.
 *
 * @example
 * const { runs } = await emitEvent("audio.published", { s3_uri: "s3://uploads/audio/a.mp3" });
 */
export function emitEvent<Name extends project.EventName>(
  name: Name,
  ...rest: project.PayloadArguments<project.EventPayloadOf<Name>, EmitOptions>
): Promise<EmitResult>;
export function emitEvent(
  name: string,
  payload?: unknown,
  options?: EmitOptions,
): Promise<EmitResult> {
  return inScope("emitEvent", (scope) => scope.emitEvent(name, payload, options));
}

/**
 * Calls a helper of the running task or endpoint. `helper` is the name in the error outside of
 * both. Returns the scope's own promise, which knows whether the author awaits the promise: an
 * async function would return a promise of its own.
 */
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
 * Passes data to all downstream tasks, or with `to` to one of them. The last call counts. Without a
 * call the task passes the returned value. Downstream tasks see the data only if this attempt
 * succeeds.
 *
 * @example passToChildTask({ language: "de" }, { to: "recommend_german" });
 */
export function passToChildTask<Child extends project.ChildName = never>(
  data: project.AcceptedBy<Child>,
  options?: { readonly to?: Child },
): void;
export function passToChildTask(data: unknown, options?: { readonly to?: string }): void {
  taskScopeOf("passToChildTask").passToChildTask(data, options);
}

/**
 * Same as `passToChildTask`.
 *
 * @example passDataToDownstream({ language: "de" });
 */
export const passDataToDownstream: typeof passToChildTask = passToChildTask;

/**
 * Reads the output of the upstream task: the value if peach.conf declares a single upstream task,
 * an object keyed by name for several (`parent` picks one). The root task reads the trigger's
 * payload. `as: "stream"` returns the bytes of any kind of payload.
 *
 * @example
 * const { text } = await readFromParentTask<{ text: string }>();
 * const summary = await readFromParentTask<string>("summarize");
 */
export async function readFromParentTask(
  parent: project.ParentName | undefined,
  options: { readonly as: "stream" },
): Promise<ReadableStream<Uint8Array>>;
/**
 * Reads the output of the named upstream task, with the type of the output.
 *
 * @example const words = await readFromParentTask("split_words");
 */
export async function readFromParentTask<Parent extends project.KnownParent>(
  parent: Parent,
): Promise<project.OutputOf<Parent>>;
/**
 * Reads the payload of the task, or with `parent` the output of an upstream task. The type `T` is
 * not checked.
 *
 * @example const { text } = await readFromParentTask<{ text: string }>();
 */
export async function readFromParentTask<T = unknown>(
  parent?: project.ParentPassing<T>,
): Promise<T>;
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
 * Chooses the downstream tasks that start. The others are skipped with the reason `not_chosen`. The
 * last call counts. Throws if a name is not a downstream task.
 *
 * @example runOnlyChildTasks(transcript.language === "de" ? "recommend_german" : "recommend");
 */
export function runOnlyChildTasks(...names: readonly project.ChildName[]): void {
  taskScopeOf("runOnlyChildTasks").runOnlyChildTasks(...names);
}

/**
 * Runs a part of the task once. The result is recorded: later attempts of the task get it without
 * running `fn` again, even after the worker died. Nothing is recorded if `fn` throws. Step names
 * are unique within an attempt. Steps may run side by side, but not inside each other. The result
 * may be any payload (JSON, text, bytes, a stream) and is returned as the same kind.
 *
 * @example const audio = await step("fetch", async () => (await fetch(url)).arrayBuffer());
 */
export async function step<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
  return taskScopeOf("step").step(name, fn);
}

/**
 * Reports the progress of the task: a fraction from 0 to 1, and an optional message (the first 500
 * characters are kept). The latest report counts. It becomes visible within about a second, unless
 * the task ends before.
 *
 * @example progress(done / files.length, `${done} files`);
 */
export function progress(fraction: number, message?: string): void {
  taskScopeOf("progress").progress(fraction, message);
}

/**
 * Opens an object by its URI: `{body, size, etag, contentType}`, where `body` is a stream. Reads
 * from the R2 bucket of this name if wrangler.toml binds it; otherwise from S3 or a compatible
 * store, with the secrets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and optionally
 * AWS_ENDPOINT_URL. Rejects with `NonRetryableError` if the object does not exist or may not be
 * read.
 *
 * @example const { body, contentType } = await openObject("s3://uploads/audio/a.mp3");
 */
export async function openObject(s3Uri: string): Promise<OpenedObject> {
  return scopeOf("openObject").openObject(s3Uri);
}

/**
 * Parses the object events in a request from AWS S3 (directly, through SNS or EventBridge), MinIO
 * or R2. Each event has the form that a task with `on.r2` reads: `action` is R2's word, and keys
 * are decoded. Subscriptions of SNS are confirmed by the endpoint's `auth`, not here. Rejects any
 * other body: unless caught, the endpoint then answers 400 with the wrong paths.
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

/**
 * Verifies the token of a recommendation: the header `peach-recommendation` of an answer. Resolves
 * to the claims `{endpoint, component, fallback, user, conf_version, at, run}`.
 * `user` is a keyed hash. Rejects with `InvalidRecommendationError` for any text that this
 * deployment has not signed. A token does not expire: compare `at` if age matters.
 *
 * @example
 * const { component, run } = await verifyRecommendation(token);
 */
export async function verifyRecommendation(token: string): Promise<Recommendation> {
  return scopeOf("verifyRecommendation").verifyRecommendation(token);
}

/**
 * Counts a click for the component in a token: in `/metrics`, in the API and in the dashboard.
 * Rejects like `verifyRecommendation`. Every call counts: several clicks on one list are several
 * clicks. A further attempt of a task counts again, unless the call is in a `step`.
 *
 * @example
 * export async function clicked(request: Request) {
 *   const { token, item } = await request.json<{ token: string; item: string }>();
 *   const { component } = await countClick(token);
 *   await triggerTaskWithEvent("learn", { item, component });
 * }
 */
export async function countClick(token: string): Promise<Recommendation> {
  return scopeOf("countClick").countClick(token);
}

/**
 * Wraps a result before a task stores the result, with run, task and time of the computation.
 * `readServed` reads the stored wrapper.
 *
 * @example await env.RECOMMENDATIONS.put(user, JSON.stringify(servedBy(items)));
 */
export function servedBy<T>(value: T): Served<T> {
  const { runId, name } = taskScopeOf("servedBy");
  return wrapServed(value, { run_id: runId, task: name, at: new Date().toISOString() });
}

/**
 * Reads a result of a task, stored by `servedBy`. A component returns the wrapper, or
 * `{...stored, value}` with a part of the value: the endpoint answers with the value, and the token
 * of the answer names the run. Throws a `TypeError` for a value without a run.
 *
 * Read only stores of your own tasks. JSON of another service names no run, unless read by
 * `readServed`.
 *
 * @example
 * export async function by_history({ user, limit }: RecommendationParams<"recommendations">) {
 *   const json = await env.RECOMMENDATIONS.get(user, "json");
 *   if (json === null) throw new Error("nothing is known of this user");
 *   const stored = readServed<string[]>(json);
 *   return { ...stored, value: stored.value.slice(0, limit) };
 * }
 */
export function readServed<T>(stored: unknown): Served<T> {
  return markServed<T>(stored);
}

/**
 * Returns the running task: name, run id, attempt, `env`, `signal`, and the helpers as methods.
 * `currentTask<"summarise">()` knows the names of that task's neighbours.
 *
 * @example const { attempt, signal } = currentTask();
 */
export function currentTask<Own extends project.TaskName = project.TaskName>(): TaskContext<Own> {
  const task: unknown = taskScopeOf("currentTask");
  // The types of a project narrow names and payloads; the object is the same.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return task as TaskContext<Own>;
}

/**
 * Writes log lines of the attempt (at most 1,000 lines, 64 KiB). They are stored with the run and
 * also written to the worker's log.
 *
 * @example log.info("transcribed", { seconds: 12 });
 */
export const log: TaskLog = {
  info: (message, fields) => scopeOf("log.info").log.info(message, fields),
  warn: (message, fields) => scopeOf("log.warn").log.warn(message, fields),
  error: (message, fields) => scopeOf("log.error").log.error(message, fields),
};

/**
 * Declares a task with types. A trigger's payload is checked against `input` before it is accepted,
 * and the task's output against `output`. A schema is made by zod, or by another library with the
 * interface of Standard Schema. Without a schema any payload is accepted. `run` gets the parsed
 * payload. `npm run check` reports an edge of peach.conf whose parent's output does not fit
 * its child's input.
 *
 * @example
 * export const recommend = task({
 *   input: transcript,
 *   output: recommendations,
 *   run: async (payload) => rank(payload.text),
 * });
 */
export function task<
  Input extends StandardSchema = StandardSchema,
  Output extends StandardSchema = StandardSchema,
>(declaration: {
  readonly input?: Input;
  readonly output?: Output;
  readonly run: (
    payload: InferOutput<Input>,
    task: TaskContext,
  ) => Promise<InferInput<Output> | void> | InferInput<Output> | void;
}): TypedTask<Input, Output> {
  return {
    kind: "peach.task",
    input: declaration.input ?? null,
    output: declaration.output ?? null,
    run: declaration.run,
  };
}

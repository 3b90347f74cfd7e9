/**
 * The interfaces handed to authors of tasks and endpoints. `peach/task-helpers` offers the same as
 * plain functions.
 */
import type { EventAttributes } from "../../domain/trigger.ts";
import type { RunId } from "../../domain/ids.ts";
import type { RunDocument } from "../../objects/run/run-documents-rpc.ts";
import type { PipelineEnv } from "./pipeline-env.ts";

/** A duration as in peach.conf (`250ms`, `30s`, `5m`, `2h`, `7d`), or milliseconds. */
export type DurationInput = string | number;

/**
 * An opened object. Its body is not read yet; a caller that does not want the body must cancel it.
 */
export interface OpenedObject {
  readonly body: ReadableStream<Uint8Array>;
  /** Bytes; null if the store does not say. */
  readonly size: number | null;
  /** Without quotes; null if the store does not say. */
  readonly etag: string | null;
  readonly contentType: string;
}

export interface TriggerOptions {
  /**
   * Makes the trigger idempotent: the same key for the same task and payload returns the same run
   * and starts nothing. With another payload the trigger rejects with the code
   * `idempotency_mismatch`, and changes nothing.
   */
  readonly idempotencyKey?: string;
  /** Delay before the run starts, at most 30d. */
  readonly delay?: DurationInput;
  /** Tags of the run besides those of peach.conf, ten in all. */
  readonly tags?: readonly string[];
}

export interface TriggeredRun {
  readonly runId: RunId;
  /** True if the idempotency key had started this run before. */
  readonly deduplicated: boolean;
  /**
   * Resolves to the run's document once the run is final. Rejects with `ResultTimeoutError` after
   * `timeout` (default 30s). A task that waits for more than a few seconds is suspended: its
   * attempt ends, and another attempt continues from its steps
   * (docs/guides/wait-for-other-runs.md).
   */
  result(options?: { readonly timeout?: DurationInput }): Promise<RunDocument>;
  /**
   * Resolves to the output of the run's last task, or of the named task, as the kind it was passed,
   * once the run is final. Without `task`, the run must have exactly one task without downstream
   * tasks. Rejects with `TaskNotSucceededError` if the task did not succeed; otherwise waits like
   * `result`.
   */
  output(task?: string, options?: { readonly timeout?: DurationInput }): Promise<unknown>;
}

export interface EmitOptions {
  /**
   * Makes the event idempotent: the same key for the same event and payload returns the same runs
   * and starts nothing. For another payload, see `TriggerOptions`.
   */
  readonly idempotencyKey?: string;
}

/**
 * The runs started by an event: a run for each task that listens to it, in the order of peach.conf.
 */
export interface EmitResult {
  readonly runs: readonly { readonly runId: RunId; readonly task: string }[];
}

export interface TaskLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The common part of the contexts of tasks and endpoints. */
interface HelperContext {
  readonly name: string;
  readonly log: TaskLog;
  triggerTaskWithEvent(
    this: void,
    task: string,
    payload?: unknown,
    options?: TriggerOptions,
  ): Promise<TriggeredRun>;
  emitEvent(
    this: void,
    name: string,
    payload?: unknown,
    options?: EmitOptions,
  ): Promise<EmitResult>;
  openObject(this: void, s3Uri: string): Promise<OpenedObject>;
}

/** The running task. Helpers may be destructured: `async (payload, { passToChildTask }) => …`. */
export interface TaskContext extends HelperContext {
  readonly runId: RunId;
  /** From 1; lost attempts count. */
  readonly attempt: number;
  /**
   * The item of the array that this attempt processes, counted from 0. Null for a task without
   * `each`.
   */
  readonly item: { readonly index: number; readonly total: number } | null;
  /**
   * Attributes of the CloudEvent that started the run; null without an event. `time` is in RFC
   * 3339.
   */
  readonly event: EventAttributes | null;
  /**
   * The worker's bindings, variables and secrets, except Peach's own
   * (docs/reference/helpers.md). Objects written through these bindings into a bucket that
   * triggers tasks are marked with the run's id.
   */
  readonly env: PipelineEnv;
  /**
   * Aborted on timeout and when the run is cancelled; a long attempt is notified within seconds
   * (docs/guides/wait-for-other-runs.md).
   */
  readonly signal: AbortSignal;
  /**
   * The URL where another system completes this attempt of an external task: once, within the
   * timeout, without a token. Throws in any other task.
   */
  readonly completionUrl: string;
  passToChildTask(this: void, data: unknown, options?: { readonly to?: string }): void;
  runOnlyChildTasks(this: void, ...names: readonly string[]): void;
  progress(this: void, fraction: number, message?: string): void;
  step<T>(this: void, name: string, fn: () => T | Promise<T>): Promise<T>;
  readFromParentTask<T = unknown>(this: void, parent?: string): Promise<T>;
  readFromParentTask(
    this: void,
    parent: string | undefined,
    options: { readonly as: "stream" },
  ): Promise<ReadableStream<Uint8Array>>;
}

export interface EndpointContext extends HelperContext {
  /** The `:params` of the endpoint's URL. */
  readonly params: Readonly<Record<string, string>>;
  /**
   * The worker's bindings, variables and secrets, except Peach's own (docs/reference/helpers.md).
   */
  readonly env: PipelineEnv;
  waitUntil(this: void, promise: Promise<unknown>): void;
}

/** A component of a recommendation endpoint, or its fallback, while it computes an answer. */
export interface ComponentContext extends EndpointContext {
  /** The name of the component in peach.conf; `fallback` for the fallback. */
  readonly component: string;
  /** Aborted when the component's timeout is over: the answer is not waited for any more. */
  readonly signal: AbortSignal;
}

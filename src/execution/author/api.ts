/**
 * What task and endpoint authors are handed. `peach/task-helpers` offers the same as plain functions.
 */
import type { EventAttributes } from "../../domain/trigger.ts";
import type { RunId } from "../../domain/ids.ts";
import type { RunDocument } from "../../objects/run/run-rpc.ts";
import type { PipelineEnv } from "./pipeline-env.ts";

/** A duration as in peach.conf (`250ms`, `30s`, `5m`, `2h`, `7d`), or milliseconds. */
export type DurationInput = string | number;

/** An object that was opened. Its body is not read yet; whoever does not want it cancels it. */
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
   * The same key for the same task and payload gives the same run and executes nothing again. With another payload it rejects with
   * the code `idempotency_mismatch`, and changes nothing.
   */
  readonly idempotencyKey?: string;
  /** How long the run waits before it starts, at most 30d. */
  readonly delay?: DurationInput;
}

export interface TriggeredRun {
  readonly runId: RunId;
  /** True if the idempotency key had started this run before. */
  readonly deduplicated: boolean;
  /**
   * The run's document once it is final; rejects with `ResultTimeoutError` after `timeout` (default 30s). In a task that waits for
   * more than a few seconds the task is suspended: its attempt ends, and another goes on from its steps (see the README).
   */
  result(options?: { readonly timeout?: DurationInput }): Promise<RunDocument>;
  /**
   * What the run's last task passed, as the kind it was passed, once the run is final: that of the one task without downstream, or of the
   * task that is named. Rejects with `TaskNotSucceededError` if that task did not succeed, and else waits as `result` does.
   */
  output(task?: string, options?: { readonly timeout?: DurationInput }): Promise<unknown>;
}

export interface EmitOptions {
  /** The same key for the same event and payload gives the same runs and executes nothing again; another payload, as in `TriggerOptions`. */
  readonly idempotencyKey?: string;
}

/** What came of an event: a run for each task that listens to it, in the order of peach.conf. */
export interface EmitResult {
  readonly runs: readonly { readonly runId: RunId; readonly task: string }[];
}

export interface TaskLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Its helpers may be taken off it: `async (payload, { passToChildTask }) => …`. */
export interface TaskContext {
  readonly name: string;
  readonly runId: RunId;
  /** From 1; lost attempts count. */
  readonly attempt: number;
  /** Which item of its array a task with `each` is called for, from 0; null for every other task. */
  readonly item: { readonly index: number; readonly total: number } | null;
  /** What the CloudEvent that has started the run says of itself; null: none has. `time` is in RFC 3339. */
  readonly event: EventAttributes | null;
  /**
   * The worker's bindings, variables and secrets, but for Peach's own (see the README). What is written with them into a bucket that triggers
   * tasks is marked as this run's.
   */
  readonly env: PipelineEnv;
  /** Aborted when the attempt's time is up, or its run is cancelled; long attempts are told within seconds (see the README). */
  readonly signal: AbortSignal;
  /**
   * Of an external task: where somebody reports what this attempt came to, once, within its timeout, without a token. Throws in
   * any other task.
   */
  readonly completionUrl: string;
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

export interface EndpointContext {
  readonly name: string;
  /** The `:params` of its url. */
  readonly params: Readonly<Record<string, string>>;
  /** The worker's bindings, variables and secrets, but for Peach's own (see the README). */
  readonly env: PipelineEnv;
  readonly log: TaskLog;
  waitUntil(this: void, promise: Promise<unknown>): void;
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

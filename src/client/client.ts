/**
 * `peach/client`: Peach for programs, in Node, in browsers and in workers; without dependencies. Documents are as the API answers them
 * (snake_case, times in ISO 8601), every call takes an AbortSignal, and what is refused rejects with a `PeachError`.
 *
 * @example
 * import { createClient } from "peach/client";
 *
 * const peach = createClient({ url: "https://peach.example.workers.dev", token });
 * const run = await peach.trigger("audio_transcription", { s3_uri: "s3://uploads/audio/a.mp3" });
 * const { status } = await run.result({ timeout: "10m" });
 */
import { Connection, type CallOptions, type ClientOptions } from "./connection.ts";
import {
  type AuditOptions,
  DeadLetterCalls,
  drawGraph,
  listAudit,
  listEndpoints,
  readGraph,
  reconcilePage,
  type ReconcileOptions,
  ScheduleCalls,
  TaskCalls,
} from "./deployment.ts";
import type { AuditEntry } from "../contract/audit.ts";
import type { DeployedEndpoint } from "../contract/endpoints.ts";
import type { Graph } from "../contract/graph.ts";
import type { LimitState } from "../contract/limits.ts";
import type { ReconciledPage } from "../contract/reconciliation.ts";
import type { RunDocument } from "../contract/run.ts";
import type { RunReference } from "../contract/values.ts";
import { durationText, type DurationInput } from "./duration.ts";
import { payloadBody } from "./payload.ts";
import { RunCalls } from "./runs.ts";
import { SessionCalls } from "./sessions.ts";
import { TokenCalls } from "./tokens.ts";
import type { RunStatus } from "../domain/statuses.ts";
import type { PeachTasks } from "../contract/peach-tasks.ts";

export type { CallOptions, ClientOptions, Fetch } from "./connection.ts";
export type { AuditEntry } from "../contract/audit.ts";
export type { BulkResult } from "../contract/bulk.ts";
export type { DeadLetter, Redriven } from "../contract/dead-letters.ts";
export type { DeployedEndpoint } from "../contract/endpoints.ts";
export type { Graph } from "../contract/graph.ts";
export type { LimitState } from "../contract/limits.ts";
export type { ReconciledPage } from "../contract/reconciliation.ts";
export type { ItemPage } from "../contract/run-items.ts";
export type { RunSummary, RunPage, RunCounts } from "../contract/run-lists.ts";
export type { LogLine, LogPage } from "../contract/run-logs.ts";
export type {
  RunDocument,
  TaskOfRun,
  Attempt,
  Progress,
  ItemCounts,
  WaitingFor,
} from "../contract/run.ts";
export type { DeployedSchedule } from "../contract/schedules.ts";
export type { ListedSession } from "../contract/sessions.ts";
export type { DeployedTask } from "../contract/tasks.ts";
export type { ListedToken, CreatedToken } from "../contract/tokens.ts";
export type { RunReference } from "../contract/values.ts";
export { PeachConnectionError, PeachError, PeachTimeoutError, type ErrorCode } from "./errors.ts";
export type { AuditOptions } from "./deployment.ts";
export type { ReceivedPayload } from "./payload.ts";
export type { RunChange } from "../contract/run-events.ts";
export { applyRunEvent, type RunEvent } from "./run-events.ts";
export type {
  BulkOptions,
  Completion,
  FeedEvent,
  ItemOption,
  PageOptions,
  ReplayedRun,
  ReplayOptions,
  RunFilter,
} from "./runs.ts";
export type { TokenOptions } from "./tokens.ts";

/** The tasks that may be named; any, if nothing is known of them. */
export type TaskName<Tasks> = [keyof Tasks] extends [never] ? string : keyof Tasks & string;

/** What the trigger of this task takes; unknown for tasks declared without types. */
export type PayloadOf<Tasks, Name extends string> = Name extends keyof Tasks
  ? Tasks[Name]
  : unknown;

/** A payload may be left out where its type allows it. */
export type TriggerArguments<Payload> = undefined extends Payload
  ? [payload?: Payload, options?: TriggerOptions]
  : [payload: Payload, options?: TriggerOptions];

export interface TriggerOptions extends CallOptions {
  /**
   * The same key for the same task and payload gives the same run and executes nothing again. With another payload the call is refused
   * (`idempotency_mismatch`), and changes nothing.
   */
  readonly idempotencyKey?: string | undefined;
  /** How long the run waits before it starts, at most 30d. */
  readonly delay?: DurationInput | undefined;
  /** Answers only when the run is final, or after this time, at most 5m. */
  readonly wait?: DurationInput | undefined;
  /** Of bytes. */
  readonly contentType?: string | undefined;
}

/** A run that was triggered. */
export interface TriggeredRun {
  readonly runId: string;
  readonly task: string;
  readonly status: RunStatus;
  /** True if the idempotency key had started this run before; null if the answer, a run that is final, does not say. */
  readonly deduplicated: boolean | null;
  /** With `wait`: the run, if it was final by then. */
  readonly run: RunDocument | null;
  /** The run once it is final; rejects with `PeachTimeoutError` after `timeout` (default 30s). */
  result(
    this: void,
    options?: CallOptions & { readonly timeout?: DurationInput },
  ): Promise<RunDocument>;
}

export interface EmitOptions extends CallOptions {
  /** The same key for the same event and payload gives the same runs. With another payload it is refused (`idempotency_mismatch`). */
  readonly idempotencyKey?: string | undefined;
  readonly contentType?: string | undefined;
}

interface AcceptedDocument {
  readonly run_id: string;
  readonly task: string;
  readonly status: RunStatus;
  readonly deduplicated: boolean;
}

/** The API of one deployment. `Tasks`: task name to what its trigger takes. */
export class PeachClient<Tasks = PeachTasks> {
  readonly runs: RunCalls;
  readonly tasks: TaskCalls;
  readonly schedules: ScheduleCalls;
  readonly deadLetters: DeadLetterCalls;
  readonly tokens: TokenCalls;
  readonly sessions: SessionCalls;
  readonly #connection: Connection;

  constructor(options: ClientOptions) {
    this.#connection = new Connection(options);
    this.runs = new RunCalls(this.#connection);
    this.tasks = new TaskCalls(this.#connection);
    this.schedules = new ScheduleCalls(this.#connection);
    this.deadLetters = new DeadLetterCalls(this.#connection);
    this.tokens = new TokenCalls(this.#connection);
    this.sessions = new SessionCalls(this.#connection);
  }

  /**
   * Starts a run of a task; resolves once it is durably recorded. A connection that breaks is tried again with the same idempotency
   * key, so that it never starts a second run (but for a stream, which cannot be sent twice).
   */
  async trigger<Name extends TaskName<Tasks>>(
    task: Name,
    ...[payload, options = {}]: TriggerArguments<PayloadOf<Tasks, Name>>
  ): Promise<TriggeredRun> {
    const { idempotencyKey, delay, wait, contentType, signal } = options;
    const { body, contentType: type } = payloadBody(payload, contentType);
    const document = await this.#connection.json<AcceptedDocument | RunDocument>({
      method: "POST",
      path: ["tasks", task, "trigger"],
      query: { delay: textOrNone(delay), wait: textOrNone(wait) },
      headers: { "Content-Type": type, "Idempotency-Key": idempotencyKey ?? crypto.randomUUID() },
      body,
      repeatable: true,
      signal,
    });
    const { run_id: runId, task: name, status } = document;
    const accepted = "deduplicated" in document ? document : null;
    const run = "tasks" in document ? document : null;
    // Without a key of the caller, what a second try finds there was started by the first.
    const deduplicated = idempotencyKey === undefined ? false : (accepted?.deduplicated ?? null);
    return {
      runId,
      task: name,
      status,
      deduplicated,
      run,
      result: (how) => this.runs.result(runId, how),
    };
  }

  /** Emits a named event: every task whose `on.event` names it gets a run, none if nobody listens. */
  async emit(
    name: string,
    payload?: unknown,
    options: EmitOptions = {},
  ): Promise<readonly RunReference[]> {
    const { idempotencyKey = crypto.randomUUID(), contentType, signal } = options;
    const { body, contentType: type } = payloadBody(payload, contentType);
    const { runs } = await this.#connection.json<{ runs: readonly RunReference[] }>({
      method: "POST",
      path: ["events", name],
      headers: { "Content-Type": type, "Idempotency-Key": idempotencyKey },
      body,
      repeatable: true,
      signal,
    });
    return runs;
  }

  /** The tasks and their edges: as data, or as a drawing in this format. */
  graph(options?: CallOptions & { readonly format?: "json" }): Promise<Graph>;
  graph(options: CallOptions & { readonly format: "mermaid" | "dot" }): Promise<string>;
  graph({
    format = "json",
    signal,
  }: CallOptions & { readonly format?: "json" | "mermaid" | "dot" } = {}): Promise<Graph | string> {
    if (format === "json") return readGraph(this.#connection, { signal });
    return drawGraph(this.#connection, format, { signal });
  }

  /** The endpoints. */
  endpoints({ signal }: CallOptions = {}): Promise<readonly DeployedEndpoint[]> {
    return listEndpoints(this.#connection, { signal });
  }

  /** How much of each limit is in use, and what waits. */
  async limits({ signal }: CallOptions = {}): Promise<readonly LimitState[]> {
    const { limits } = await this.#connection.json<{ limits: readonly LimitState[] }>({
      path: ["limits"],
      signal,
    });
    return limits;
  }

  /** Who did what, newest first; a page may be empty and yet have a cursor. */
  audit(options: AuditOptions = {}): Promise<{
    readonly entries: readonly AuditEntry[];
    readonly next_cursor: string | null;
  }> {
    return listAudit(this.#connection, options);
  }

  /** Triggers what R2's notifications have missed in a bucket, a page of objects a call. */
  reconcile(bucket: string, options: ReconcileOptions = {}): Promise<ReconciledPage> {
    return reconcilePage(this.#connection, bucket, options);
  }
}

/**
 * A client of the deployment at this address. It is typed by the tasks of peach.conf where the generated `tasks.d.ts` is part of the
 * program; elsewhere by `createClient<{ recommend: { text: string } }>(...)`, or not at all. Throws a TypeError if address or
 * token cannot be one.
 */
export function createClient<Tasks = PeachTasks>(options: ClientOptions): PeachClient<Tasks> {
  return new PeachClient<Tasks>(options);
}

function textOrNone(duration: DurationInput | undefined): string | undefined {
  return duration === undefined ? undefined : durationText(duration);
}

/**
 * `peach/client`: the client of Peach's API for Node, browsers and workers, without dependencies.
 * Documents have the form of the API (snake_case, times in ISO 8601). Every call takes an
 * AbortSignal, and a refused call rejects with a `PeachError`.
 *
 * @example
 * import { createClient } from "peach/client";
 *
 * const peach = createClient({ url: "https://peach.example.workers.dev", token });
 * const run = await peach.trigger("audio_transcription", { s3_uri: "s3://uploads/audio/a.mp3" });
 * const { status } = await run.result({ timeout: "10m" });
 */
import { Connection, type CallOptions, type ClientOptions } from "./connection.ts";
import { DeadLetterCalls, ScheduleCalls, TaskCalls } from "./deployment.ts";
import type { AuditPage } from "../contract/audit.ts";
import type { DeployedEndpoint } from "../contract/endpoints.ts";
import type { Graph } from "../contract/graph.ts";
import type { LimitState } from "../contract/limits.ts";
import type { ReconciledPage } from "../contract/reconciliation.ts";
import type { AcceptedTrigger, RunDocument } from "../contract/run.ts";
import type { RunReference } from "../contract/values.ts";
import { durationText, type DurationInput } from "./duration.ts";
import { payloadBody } from "./payload.ts";
import { type PageOptions, type ResultOptions, RunCalls } from "./runs.ts";
import { SessionCalls } from "./sessions.ts";
import { TokenCalls } from "./tokens.ts";
import type { RunStatus } from "../domain/statuses.ts";
import type {
  EventName,
  EventPayloadOf,
  LastTaskOf,
  OutputOf,
  PayloadArguments,
  PeachTasks,
  ProjectEvents,
  PayloadOf as ProjectPayloadOf,
  TaskName as ProjectTask,
} from "../contract/project-types.ts";

// All of the file, not single names: only so may a program add types to the interfaces.
export type * from "../contract/project-types.ts";
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
  HistoryEntry,
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
export type { ReplayedRun } from "../contract/run-actions.ts";
export type { RunReference } from "../contract/values.ts";
export {
  PeachConnectionError,
  PeachError,
  PeachRunError,
  PeachTimeoutError,
  type ErrorCode,
} from "./errors.ts";
export type { ReceivedPayload } from "./payload.ts";
export type { RunChange } from "../contract/run-events.ts";
export { applyRunEvent, type RunEvent } from "./run-events.ts";
export type {
  BulkOptions,
  Completion,
  FeedEvent,
  ItemOption,
  OutputOptions,
  PageOptions,
  ReplayOptions,
  ResultOptions,
  RunFilter,
} from "./runs.ts";
export type { TokenOptions } from "./tokens.ts";

/** Task names of the deployment; any text if `Tasks` is unknown. */
export type TaskName<Tasks> = [keyof Tasks] extends [never] ? string : keyof Tasks & string;

/** The payload type of a task's trigger; unknown for tasks declared without types. */
export type PayloadOf<Tasks, Name extends string> = ProjectPayloadOf<Name, Tasks>;

/** Arguments of `trigger`. The payload may be left out if its type allows undefined. */
export type TriggerArguments<Payload> = PayloadArguments<Payload, TriggerOptions>;

export interface TriggerOptions extends CallOptions {
  /**
   * A repeated call with the same task, key and payload returns the first run and executes nothing
   * again. A call with another payload is refused (`idempotency_mismatch`) and changes nothing.
   */
  readonly idempotencyKey?: string | undefined;
  /** The delay before the run starts, at most 30d. */
  readonly delay?: DurationInput | undefined;
  /** Tags of the run besides those of peach.conf, ten in all. */
  readonly tags?: readonly string[] | undefined;
  /** Delays the answer until the run is final, or until this time is over, at most 5m. */
  readonly wait?: DurationInput | undefined;
  /** The content type of a payload of bytes. */
  readonly contentType?: string | undefined;
}

/**
 * A triggered run. Its properties have the names of the API, as all documents have; options have
 * names of JavaScript.
 */
export interface TriggeredRun<Name extends string = string, Tasks = PeachTasks> {
  readonly run_id: string;
  /** The page of the run in the dashboard. */
  readonly url: string;
  /** @deprecated The former name of `run_id`. */
  readonly runId: string;
  readonly task: string;
  readonly status: RunStatus;
  /**
   * True if the idempotency key has started this run before. Null if unknown: the answer is a final
   * run, which does not contain it.
   */
  readonly deduplicated: boolean | null;
  /** The run's document, if `wait` was given and the run is final; otherwise null. */
  readonly run: RunDocument | null;
  /**
   * Waits until the run is final, at most for `timeout` (default: as long as it takes). Rejects
   * with `PeachTimeoutError` then.
   */
  result(this: void, options?: ResultOptions): Promise<RunDocument>;
  /**
   * Waits until the run is final, and resolves to the output of its last task, or of the named
   * task, as the kind that the task passed. Rejects with `PeachRunError` if the task did not
   * succeed.
   */
  readonly output: [keyof Tasks] extends [keyof PeachTasks]
    ? OutputReader<Name>
    : (this: void, task?: string, options?: ResultOptions) => Promise<unknown>;
}

/** Reads an output. Without a name the run must end in a single task. */
type OutputReader<Root extends string> = string extends ProjectTask
  ? (this: void, task?: string, options?: ResultOptions) => Promise<unknown>
  : [LastTaskOf<Root>] extends [never]
    ? <Task extends ProjectTask>(
        this: void,
        task: Task,
        options?: ResultOptions,
      ) => Promise<OutputOf<Task>>
    : <Task extends ProjectTask = LastTaskOf<Root> & ProjectTask>(
        this: void,
        task?: Task,
        options?: ResultOptions,
      ) => Promise<OutputOf<Task>>;

export interface EmitOptions extends CallOptions {
  /**
   * A repeated call with the same event, key and payload returns the same runs. A call with another
   * payload is refused (`idempotency_mismatch`).
   */
  readonly idempotencyKey?: string | undefined;
  readonly contentType?: string | undefined;
}

export interface AuditOptions extends PageOptions {
  /** Filters by the field `who` of an entry. */
  readonly who?: string | undefined;
  /** Filters by the field `what` of an entry. */
  readonly what?: string | undefined;
  /** Filters by a part of the field `on`, for example the id of a run. */
  readonly on?: string | undefined;
  readonly since?: Date | undefined;
}

interface ReconcileOptions extends CallOptions {
  /** Filters by the beginning of keys. */
  readonly prefix?: string | undefined;
  /** Filters by upload time: at most this long ago. */
  readonly since?: DurationInput | undefined;
  /** True triggers nothing and reports what would be triggered. */
  readonly dryRun?: boolean | undefined;
  readonly cursor?: string | undefined;
}

/**
 * The API of a deployment. `Tasks` maps task names to the payloads of their triggers, `Events` the
 * names of events to their payloads.
 */
export class PeachClient<Tasks = PeachTasks, Events = ProjectEvents> {
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
   * Starts a run of a task. Resolves once the run is durably recorded. After a broken connection
   * the call is sent again with the same idempotency key, so it never starts a second run. A stream
   * cannot be sent twice.
   */
  async trigger<Name extends TaskName<Tasks>>(
    task: Name,
    ...[payload, options = {}]: TriggerArguments<PayloadOf<Tasks, Name>>
  ): Promise<TriggeredRun<Name, Tasks>> {
    const { idempotencyKey, delay, tags, wait, contentType, signal } = options;
    const { body, contentType: type } = payloadBody(payload, contentType);
    const document = await this.#connection.json<AcceptedTrigger | RunDocument>({
      method: "POST",
      path: ["tasks", task, "trigger"],
      query: { delay: textOrNone(delay), wait: textOrNone(wait), tag: tags },
      headers: { "Content-Type": type, "Idempotency-Key": idempotencyKey ?? crypto.randomUUID() },
      body,
      repeatable: true,
      signal,
    });
    const { run_id: runId, task: name, status } = document;
    const accepted = "deduplicated" in document ? document : null;
    const run = "tasks" in document ? document : null;
    // The key was made here: a run that a second attempt finds was started by the first.
    const deduplicated = idempotencyKey === undefined ? false : (accepted?.deduplicated ?? null);
    const output: (task?: string, how?: ResultOptions) => Promise<unknown> = (of, how) =>
      this.runs.output(runId, of, how);
    const triggered = {
      run_id: runId,
      runId,
      url: `${this.#connection.url}/dashboard/runs/${runId}`,
      task: name,
      status,
      deduplicated,
      run,
      result: (how?: ResultOptions) => this.runs.result(runId, how),
      output,
    };
    // The types of outputs are those of peach.conf: an answer does not carry them.
    // oxlint-disable-next-line typescript/consistent-type-assertions
    return triggered as TriggeredRun<Name, Tasks>;
  }

  /**
   * Emits a named event. Every task whose `on.event` names it gets a run; without such a task
   * nothing starts.
   */
  async emit<Name extends EventName<Events>>(
    name: Name,
    ...[payload, options = {}]: PayloadArguments<EventPayloadOf<Name, Events>, EmitOptions>
  ): Promise<readonly RunReference[]> {
    const { idempotencyKey, contentType, signal } = options;
    const { body, contentType: type } = payloadBody(payload, contentType);
    const { runs } = await this.#connection.json<{ runs: readonly RunReference[] }>({
      method: "POST",
      path: ["events", name],
      headers: { "Content-Type": type, "Idempotency-Key": idempotencyKey ?? crypto.randomUUID() },
      body,
      repeatable: true,
      signal,
    });
    return runs;
  }

  /** Reads the tasks and edges, as data or as a drawing in this format. */
  graph(options?: CallOptions & { readonly format?: "json" }): Promise<Graph>;
  graph(options: CallOptions & { readonly format: "mermaid" | "dot" }): Promise<string>;
  async graph({
    format = "json",
    signal,
  }: CallOptions & { readonly format?: "json" | "mermaid" | "dot" } = {}): Promise<Graph | string> {
    if (format === "json") return this.#connection.json({ path: ["graph"], signal });
    return (await this.#connection.request({ path: ["graph"], query: { format }, signal })).text();
  }

  /** Lists the deployed endpoints. */
  endpoints({ signal }: CallOptions = {}): Promise<readonly DeployedEndpoint[]> {
    return this.#connection.list("endpoints", { path: ["endpoints"], signal });
  }

  /** Lists the limits with their used slots and waiting attempts. */
  limits({ signal }: CallOptions = {}): Promise<readonly LimitState[]> {
    return this.#connection.list("limits", { path: ["limits"], signal });
  }

  /** Reads a page of the audit log, newest first. A page may be empty and still have a cursor. */
  audit({ who, what, on, since, limit, cursor, signal }: AuditOptions = {}): Promise<AuditPage> {
    const query = { who, what, on, since: since?.toISOString(), limit, cursor };
    return this.#connection.json({ path: ["audit"], query, signal });
  }

  /**
   * Triggers runs for objects in a bucket that R2's notifications have missed, one page of objects
   * per call.
   */
  reconcile(
    bucket: string,
    { prefix, since, dryRun, cursor, signal }: ReconcileOptions = {},
  ): Promise<ReconciledPage> {
    const query = { prefix, since: textOrNone(since), dry_run: dryRun, cursor };
    const path = ["r2", bucket, "reconcile"];
    // Repeatable: an object that has a run gets no second one.
    return this.#connection.json({ method: "POST", path, query, repeatable: true, signal });
  }
}

/**
 * Creates a client for the deployment at this address. The client is typed by the tasks of
 * peach.conf where the generated `tasks.d.ts` is part of the program; elsewhere by `createClient<{
 * recommend: { text: string } }>(...)`, or not at all. Throws a TypeError if the address or token
 * cannot be valid.
 */
export function createClient<Tasks = PeachTasks, Events = ProjectEvents>(
  options: ClientOptions,
): PeachClient<Tasks, Events> {
  return new PeachClient<Tasks, Events>(options);
}

function textOrNone(duration: DurationInput | undefined): string | undefined {
  return duration === undefined ? undefined : durationText(duration);
}

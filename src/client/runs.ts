/**
 * Calls about runs: reading, following and changing them. The class has about 260 lines: a short
 * method for each call, with its doc.
 */
import type { RunStatus, TaskStatus } from "../domain/statuses.ts";
import type { TriggerSource } from "../domain/trigger.ts";
import type { Call, CallOptions, Connection } from "./connection.ts";
import type { BulkResult } from "../contract/bulk.ts";
import type { ItemPage } from "../contract/run-items.ts";
import type { ReplayedRun } from "../contract/run-actions.ts";
import type { RunCounts, RunPage, RunSummary } from "../contract/run-lists.ts";
import type { LogPage } from "../contract/run-logs.ts";
import type { RunDocument } from "../contract/run.ts";
import { durationMs, type DurationInput } from "./duration.ts";
import { PeachError, PeachRunError, PeachTimeoutError } from "./errors.ts";
import { openEvents } from "./event-stream.ts";
import { payloadBody, receivedPayload, type ReceivedPayload } from "./payload.ts";
import { readRunEvent, type RunEvent } from "./run-events.ts";

/** The longest delay of a timer, 24 days. A longer timer ends at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A status to filter by. `waiting`: something in the run waits for a person, a run or a time. */
export type FilterStatus = RunStatus | "waiting";

/** A filter for runs. A run matches if it fits every given property. */
export interface RunFilter {
  /** The root task of the run. */
  readonly task?: string | undefined;
  readonly status?: FilterStatus | readonly FilterStatus[] | undefined;
  readonly source?: TriggerSource | undefined;
  /** A tag, or several: only runs with every tag match. */
  readonly tag?: string | readonly string[] | undefined;
  /** True: runs that were not final by `late_after`; false: the others. */
  readonly late?: boolean | undefined;
  /** Times as a Date or in ISO 8601. */
  readonly createdAfter?: Date | string | undefined;
  readonly createdBefore?: Date | string | undefined;
}

export interface PageOptions extends CallOptions {
  /** The size of the page: default 50, at most 200. */
  readonly limit?: number | undefined;
  /** The `next_cursor` of the previous page. */
  readonly cursor?: string | undefined;
}

/** Selects an output of a task. */
export interface OutputOptions extends ItemOption {
  /** The output that only this task reads, one of the task's `passed_to`. */
  readonly to?: string | undefined;
}

/** Selects an item of a task with `each`. */
export interface ItemOption extends CallOptions {
  readonly item?: number | undefined;
}

export interface ResultOptions extends CallOptions {
  /** The time to wait, in effect at most 24 days; absent: as long as it takes. */
  readonly timeout?: DurationInput | undefined;
}

export interface ReplayOptions extends CallOptions {
  /** The task to begin with. It reads its recorded inputs. */
  readonly from?: string | undefined;
  /** A payload that replaces the recorded one. */
  readonly payload?: unknown;
  readonly contentType?: string | undefined;
  /**
   * A repeated call with the same key returns the same replay. A call with another payload is
   * refused (`idempotency_mismatch`).
   */
  readonly idempotencyKey?: string | undefined;
}

/** The outcome of an external task. */
export type Completion =
  | { readonly status: "succeeded"; readonly payload?: unknown }
  | { readonly status: "failed"; readonly error: { readonly message: string } };

export interface BulkOptions extends CallOptions {
  /** True changes nothing and reports what would change. */
  readonly dryRun?: boolean | undefined;
  /** The number of runs in this call: default 100, at most 500. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** An event of the feed. */
export type FeedEvent =
  | { readonly type: "run"; readonly run: RunSummary }
  /** Changes were missed: the caller reads its list again. */
  | { readonly type: "reset" };

/** Calls about runs; see `createClient`. */
export class RunCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Reads a run. */
  get(runId: string, { signal }: CallOptions = {}): Promise<RunDocument> {
    return this.#connection.json({ path: ["runs", runId], signal });
  }

  /**
   * Waits until a run is final and returns it, also if it failed. Rejects with `PeachTimeoutError`
   * after `timeout`; default: as long as it takes.
   */
  async result(runId: string, { timeout, signal }: ResultOptions = {}): Promise<RunDocument> {
    const timeoutMs = timeout === undefined ? null : durationMs(timeout);
    const timeUp =
      timeoutMs === null ? null : AbortSignal.timeout(Math.min(timeoutMs, LONGEST_TIMER_MS));
    try {
      const signals = [signal, timeUp].filter((one) => one !== undefined && one !== null);
      const any = signals.length === 0 ? {} : { signal: AbortSignal.any(signals) };
      for await (const event of this.events(runId, any)) if (event.type === "end") break;
    } catch (error) {
      if (timeoutMs !== null && timeUp?.aborted === true && signal?.aborted !== true)
        throw new PeachTimeoutError(runId, timeoutMs);
      throw error;
    }
    return this.get(runId, { signal });
  }

  /**
   * Waits until a run is final and returns the output of its last task, or of the named task, as
   * the kind that the task passed. Without `task`, the run must end in a single task. Rejects with
   * `PeachRunError` if the task did not succeed; otherwise waits like `result`.
   */
  async output(runId: string, task?: string, options: ResultOptions = {}): Promise<unknown> {
    const run = await this.result(runId, options);
    const name = task ?? lastTaskOf(run);
    const status = run.tasks.find((one) => one.task === name)?.status;
    // The API says which tasks there are if the name is none of them.
    if (status !== undefined && status !== "succeeded") throw new PeachRunError(run, name);
    return (await this.taskPayload(runId, name, { signal: options.signal })).value();
  }

  /** Reads a page of runs, newest first. `idempotencyKey` needs `task`. */
  list(
    options: RunFilter & PageOptions & { readonly idempotencyKey?: string | undefined } = {},
  ): Promise<RunPage> {
    const { limit, cursor, idempotencyKey, signal } = options;
    const query = { ...filterQuery(options), idempotency_key: idempotencyKey, limit, cursor };
    return this.#connection.json({ path: ["runs"], query, signal });
  }

  /** Yields every run, newest first. Pages are read on demand. */
  async *all(options: RunFilter & CallOptions = {}): AsyncGenerator<RunSummary> {
    let cursor: string | undefined;
    do {
      const page = await this.list({ ...options, limit: 200, cursor });
      yield* page.runs;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** Counts runs by status. */
  count(options: RunFilter & CallOptions = {}): Promise<RunCounts> {
    return this.#connection.json({
      path: ["runs", "count"],
      query: filterQuery(options),
      signal: options.signal,
    });
  }

  /**
   * Yields each run that is created or changes its status, until the signal is aborted. After a
   * broken connection the missed changes follow if the break took less than an hour; otherwise
   * `reset` reports the gap. A change may come twice.
   */
  async *feed({
    task,
    signal,
  }: CallOptions & { readonly task?: string | undefined } = {}): AsyncGenerator<FeedEvent> {
    const request = { path: ["runs", "feed"], query: { task }, signal };
    for await (const { event, data } of openEvents(this.#connection, request)) {
      if (event === "run") yield { type: "run", run: JSON.parse(data) };
      else if (event === "reset") yield { type: "reset" };
    }
  }

  /**
   * Yields the events of a run: its document first, then each change, until the run is final. After
   * a broken connection the stream continues where it broke, without a gap. `lastEventId` begins
   * after that event, without the document.
   *
   * @example
   * for await (const event of peach.runs.events(runId))
   *   if (event.type === "log") console.log(event.line.message);
   */
  async *events(
    runId: string,
    { lastEventId, signal }: CallOptions & { readonly lastEventId?: string | undefined } = {},
  ): AsyncGenerator<RunEvent> {
    let last: { readonly id: string | null; readonly status: RunStatus } | null = null;
    const request = { path: ["runs", runId, "events"], lastEventId, signal };
    for await (const message of openEvents(this.#connection, request)) {
      const event = readRunEvent(message);
      if (event === null) continue;
      yield event;
      if (event.type === "end") return;
      if (event.type === "run") last = { id: event.id, status: event.run.status };
      if (event.type === "change") last = { id: event.id, status: event.change.run.status };
    }
    // The connection broke between the last change and the end, which have the same id.
    if (last !== null) yield { type: "end", ...last };
  }

  /** Reads the payload that triggered a run. Rejects with `no_payload` if it was deleted. */
  async payload(runId: string, { signal }: CallOptions = {}): Promise<ReceivedPayload> {
    return receivedPayload(
      await this.#connection.request({ path: ["runs", runId, "payload"], signal }),
      signal,
    );
  }

  /** Reads the output of a task, or of one item of it. */
  async taskPayload(
    runId: string,
    task: string,
    { item, to, signal }: OutputOptions = {},
  ): Promise<ReceivedPayload> {
    const part = item === undefined ? [] : ["items", String(item)];
    return receivedPayload(
      await this.#connection.request({
        path: ["runs", runId, "tasks", task, ...part, "payload"],
        query: { to },
        signal,
      }),
      signal,
    );
  }

  /** Reads the log lines of a task, oldest first. */
  logs(
    runId: string,
    task: string,
    {
      attempt,
      item,
      limit,
      cursor,
      signal,
    }: ItemOption & PageOptions & { readonly attempt?: number | undefined } = {},
  ): Promise<LogPage> {
    return this.#connection.json({
      path: ["runs", runId, "tasks", task, "logs"],
      query: { attempt, item, limit, cursor },
      signal,
    });
  }

  /** Reads a page of the items of a task with `each`. */
  items(
    runId: string,
    task: string,
    {
      status,
      limit,
      cursor,
      signal,
    }: PageOptions & { readonly status?: TaskStatus | undefined } = {},
  ): Promise<ItemPage> {
    return this.#connection.json({
      path: ["runs", runId, "tasks", task, "items"],
      query: { status, limit, cursor },
      signal,
    });
  }

  /**
   * Cancels a run, with `children` also its child runs and theirs. Rejects with `run_final` if the
   * run is over.
   */
  cancel(
    runId: string,
    { children, signal }: CallOptions & { readonly children?: boolean | undefined } = {},
  ): Promise<RunDocument> {
    return this.#connection.json({
      ...post(["runs", runId, "cancel"]),
      query: { children },
      signal,
    });
  }

  /**
   * Retries the failed tasks of a run, and the tasks that did not run because of them. Succeeded
   * tasks keep their outputs.
   */
  retry(runId: string, { signal }: CallOptions = {}): Promise<RunDocument> {
    return this.#connection.json({ ...post(["runs", runId, "retry"]), signal });
  }

  /**
   * Starts a new run of the same graph, with the same payload or another one, or from one of its
   * tasks.
   */
  replay(runId: string, options: ReplayOptions = {}): Promise<ReplayedRun> {
    const { from, payload, contentType, idempotencyKey, signal } = options;
    const given = payload === undefined ? null : payloadBody(payload, contentType);
    return this.#connection.json({
      ...post(["runs", runId, "replay"]),
      query: { from },
      headers: {
        "Idempotency-Key": idempotencyKey ?? crypto.randomUUID(),
        ...(given === null ? {} : { "Content-Type": given.contentType }),
      },
      ...(given === null ? {} : { body: given.body }),
      repeatable: true,
      signal,
    });
  }

  /** Does the same for a page of runs that match a filter. The filter must not be empty. */
  bulk(
    action: "cancel" | "retry" | "replay",
    filter: RunFilter,
    options: BulkOptions = {},
  ): Promise<BulkResult> {
    const { dryRun, limit, cursor, signal } = options;
    const query = { ...filterQuery(filter), dry_run: dryRun, limit, cursor };
    // A dry run changes nothing, so it is repeatable.
    return this.#connection.json({
      ...post(["runs", action]),
      query,
      repeatable: dryRun === true,
      signal,
    });
  }

  /** Completes a waiting external task. */
  complete(
    runId: string,
    task: string,
    completion: Completion,
    { signal }: CallOptions = {},
  ): Promise<{ readonly run_id: string; readonly task: string; readonly status: TaskStatus }> {
    const { body, contentType } = payloadBody(completion);
    const headers = { "Content-Type": contentType };
    return this.#connection.json({
      ...post(["runs", runId, "tasks", task, "complete"]),
      headers,
      body,
      signal,
    });
  }
}

/** The only task without downstream tasks. */
function lastTaskOf({ run_id, tasks }: RunDocument): string {
  const [last, ...others] = tasks.flatMap(({ task, downstream }) =>
    downstream.length === 0 ? [task] : [],
  );
  if (last !== undefined && others.length === 0) return last;
  throw new PeachError({
    code: "invalid_request",
    detail: `The run ${run_id} ends in several tasks: ${[last, ...others].join(", ")}.`,
    hint: "Name the task whose output you want.",
  });
}

function post(path: readonly string[]): Pick<Call, "method" | "path"> {
  return { method: "POST", path };
}

function filterQuery({ task, status, source, tag, late, createdAfter, createdBefore }: RunFilter) {
  return {
    task,
    status: typeof status === "object" ? status.join(",") : status,
    source,
    tag,
    late,
    created_after: timeText(createdAfter),
    created_before: timeText(createdBefore),
  };
}

function timeText(time: Date | string | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}

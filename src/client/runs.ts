/** The calls about runs: reading, steering, following. */
import type { RunStatus, TaskStatus } from "../domain/statuses.ts";
import type { TriggerSource } from "../domain/trigger.ts";
import type { Call, CallOptions, Connection } from "./connection.ts";
import type { BulkResult } from "../contract/bulk.ts";
import type { ItemPage } from "../contract/run-items.ts";
import type { RunCounts, RunPage, RunSummary } from "../contract/run-lists.ts";
import type { LogPage } from "../contract/run-logs.ts";
import type { RunDocument } from "../contract/run.ts";
import { durationMs, type DurationInput } from "./duration.ts";
import { PeachTimeoutError } from "./errors.ts";
import { openEvents } from "./event-stream.ts";
import { payloadBody, receivedPayload, type ReceivedPayload } from "./payload.ts";
import { readRunEvent, type RunEvent } from "./run-events.ts";

/** Which runs: all that fit every one of these. */
export interface RunFilter {
  /** The root task. */
  readonly task?: string | undefined;
  readonly status?: RunStatus | readonly RunStatus[] | undefined;
  readonly source?: TriggerSource | undefined;
  /** Times: a Date, or ISO 8601. */
  readonly createdAfter?: Date | string | undefined;
  readonly createdBefore?: Date | string | undefined;
}

export interface PageOptions extends CallOptions {
  /** Default 50, at most 200. */
  readonly limit?: number | undefined;
  /** The `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

/** Which payload or logs of a run; `item` only of a task with `each`. */
export interface ItemOption extends CallOptions {
  readonly item?: number | undefined;
}

export interface ReplayOptions extends CallOptions {
  /** From this task on, with the recorded inputs. */
  readonly from?: string | undefined;
  /** In place of the recorded one; absent: the recorded one. */
  readonly payload?: unknown;
  readonly contentType?: string | undefined;
  /** The same key gives the same replay. With another payload it is refused (`idempotency_mismatch`). */
  readonly idempotencyKey?: string | undefined;
}

/** A new run that repeats another. */
export interface ReplayedRun {
  readonly run_id: string;
  readonly task: string;
  readonly status: RunStatus;
  readonly deduplicated: boolean;
  readonly url: string;
  readonly replay_of: { readonly run_id: string; readonly from: string | null };
}

/** How an external task has ended. */
export type Completion =
  | { readonly status: "succeeded"; readonly payload?: unknown }
  | { readonly status: "failed"; readonly error: { readonly message: string } };

export interface BulkOptions extends CallOptions {
  /** Only says what it would do. */
  readonly dryRun?: boolean | undefined;
  /** How many runs this call takes on, default 100, at most 500. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** What the feed tells. */
export type FeedEvent =
  | { readonly type: "run"; readonly run: RunSummary }
  /** Changes were missed: list the runs anew. */
  | { readonly type: "reset" };

/** The calls about runs; see `createClient`. */
export class RunCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The run as it is now. */
  get(runId: string, { signal }: CallOptions = {}): Promise<RunDocument> {
    return this.#connection.json({ path: ["runs", runId], signal });
  }

  /** The run once it is final, whatever became of it. Rejects with `PeachTimeoutError` after `timeout`; default: 30s. */
  async result(
    runId: string,
    { timeout = "30s", signal }: CallOptions & { readonly timeout?: DurationInput } = {},
  ): Promise<RunDocument> {
    const timeoutMs = durationMs(timeout);
    const timeUp = AbortSignal.timeout(timeoutMs);
    try {
      const either = signal === undefined ? timeUp : AbortSignal.any([signal, timeUp]);
      for await (const event of this.events(runId, { signal: either }))
        if (event.type === "end") break;
    } catch (error) {
      if (timeUp.aborted && signal?.aborted !== true) throw new PeachTimeoutError(runId, timeoutMs);
      throw error;
    }
    return this.get(runId, { signal });
  }

  /** A page of runs, newest first. `idempotencyKey` needs `task`. */
  list(
    options: RunFilter & PageOptions & { readonly idempotencyKey?: string | undefined } = {},
  ): Promise<RunPage> {
    const { limit, cursor, idempotencyKey, signal } = options;
    const query = { ...filterQuery(options), idempotency_key: idempotencyKey, limit, cursor };
    return this.#connection.json({ path: ["runs"], query, signal });
  }

  /** Every run, newest first, page by page as they are asked for. */
  async *all(options: RunFilter & CallOptions = {}): AsyncGenerator<RunSummary> {
    let cursor: string | undefined;
    do {
      const page = await this.list({ ...options, limit: 200, cursor });
      yield* page.runs;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** How many runs there are, by status. */
  count(options: RunFilter & CallOptions = {}): Promise<RunCounts> {
    return this.#connection.json({
      path: ["runs", "count"],
      query: filterQuery(options),
      signal: options.signal,
    });
  }

  /**
   * Each run that is created or changes status, as it happens, until the signal is aborted. What a broken connection hid comes when it
   * is back, if that takes less than an hour; else `reset` says that something was missed. A change may be told twice.
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
   * What happens to the run: first the run as it is, then each change, until it is final. Broken connections are opened again where
   * they broke, and nothing is missed. `lastEventId` goes on after that event, without the run as it is.
   *
   * @example for await (const event of peach.runs.events(runId)) if (event.type === "log") console.log(event.line.message);
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
    // The connection broke between the last change and the end, whose id is the same.
    if (last !== null) yield { type: "end", ...last };
  }

  /** What the run was triggered with. Rejects with `no_payload` if it is gone. */
  async payload(runId: string, { signal }: CallOptions = {}): Promise<ReceivedPayload> {
    return receivedPayload(
      await this.#connection.request({ path: ["runs", runId, "payload"], signal }),
    );
  }

  /** What a task of the run, or one item of it, has passed on. */
  async taskPayload(
    runId: string,
    task: string,
    { item, signal }: ItemOption = {},
  ): Promise<ReceivedPayload> {
    const part = item === undefined ? [] : ["items", String(item)];
    return receivedPayload(
      await this.#connection.request({
        path: ["runs", runId, "tasks", task, ...part, "payload"],
        signal,
      }),
    );
  }

  /** The log lines of a task, oldest first. */
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

  /** A page of the items of a task with `each`. */
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

  /** Cancels the run, with `children` also the runs that it triggered, and theirs. Rejects with `run_final` if it has ended. */
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

  /** What failed, and what did not run because of it, runs again in the same run; what succeeded is kept. */
  retry(runId: string, { signal }: CallOptions = {}): Promise<RunDocument> {
    return this.#connection.json({ ...post(["runs", runId, "retry"]), signal });
  }

  /** A new run of the same graph and payload, or with another payload, or from one of its tasks on. */
  replay(runId: string, options: ReplayOptions = {}): Promise<ReplayedRun> {
    const { from, payload, contentType, idempotencyKey = crypto.randomUUID(), signal } = options;
    const given = payload === undefined ? null : payloadBody(payload, contentType);
    return this.#connection.json({
      ...post(["runs", runId, "replay"]),
      query: { from },
      headers: {
        "Idempotency-Key": idempotencyKey,
        ...(given === null ? {} : { "Content-Type": given.contentType }),
      },
      ...(given === null ? {} : { body: given.body }),
      repeatable: true,
      signal,
    });
  }

  /** The same for every run that fits a filter, of which something must be given; a page a call. */
  bulk(
    action: "cancel" | "retry" | "replay",
    filter: RunFilter,
    options: BulkOptions = {},
  ): Promise<BulkResult> {
    const { dryRun, limit, cursor, signal } = options;
    const query = { ...filterQuery(filter), dry_run: dryRun, limit, cursor };
    // What only looks may be asked again.
    return this.#connection.json({
      ...post(["runs", action]),
      query,
      repeatable: dryRun === true,
      signal,
    });
  }

  /** Completes an external task that waits. */
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

function post(path: readonly string[]): Pick<Call, "method" | "path"> {
  return { method: "POST", path };
}

function filterQuery({ task, status, source, createdAfter, createdBefore }: RunFilter) {
  return {
    task,
    status: typeof status === "object" ? status.join(",") : status,
    source,
    created_after: timeText(createdAfter),
    created_before: timeText(createdBefore),
  };
}

function timeText(time: Date | string | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}

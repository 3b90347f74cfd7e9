/** Calls about the deployment: tasks, endpoints, schedules, limits and dead letters. */
import type { CallOptions, Connection } from "./connection.ts";
import type { AuditEntry } from "../contract/audit.ts";
import type { DeadLetter, Redriven } from "../contract/dead-letters.ts";
import type { DeployedEndpoint } from "../contract/endpoints.ts";
import type { Graph } from "../contract/graph.ts";
import type { ReconciledPage } from "../contract/reconciliation.ts";
import type { DeployedSchedule } from "../contract/schedules.ts";
import type { DeployedTask } from "../contract/tasks.ts";
import type { DurationInput } from "./duration.ts";
import { durationText } from "./duration.ts";
import type { PageOptions } from "./runs.ts";

/** Calls about the tasks of the deployed peach.conf. */
export class TaskCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async list({ signal }: CallOptions = {}): Promise<readonly DeployedTask[]> {
    const { tasks } = await this.#connection.json<{ tasks: DeployedTask[] }>({
      path: ["tasks"],
      signal,
    });
    return tasks;
  }

  get(task: string, { signal }: CallOptions = {}): Promise<DeployedTask> {
    return this.#connection.json({ path: ["tasks", task], signal });
  }

  /** Pauses a task: its attempts wait until it is resumed. */
  pause(task: string, { signal }: CallOptions = {}): Promise<DeployedTask> {
    return this.#connection.json({
      method: "POST",
      path: ["tasks", task, "pause"],
      repeatable: true,
      signal,
    });
  }

  resume(task: string, { signal }: CallOptions = {}): Promise<DeployedTask> {
    return this.#connection.json({
      method: "POST",
      path: ["tasks", task, "resume"],
      repeatable: true,
      signal,
    });
  }
}

/** Calls about schedules. */
export class ScheduleCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async list({ signal }: CallOptions = {}): Promise<readonly DeployedSchedule[]> {
    return schedulesIn(await this.#connection.json({ path: ["schedules"], signal }));
  }

  /** Pauses the schedules of a task. Due times during the pause are not caught up. */
  async pause(task: string, { signal }: CallOptions = {}): Promise<readonly DeployedSchedule[]> {
    const path = ["schedules", task, "pause"];
    return schedulesIn(
      await this.#connection.json({ method: "POST", path, repeatable: true, signal }),
    );
  }

  async resume(task: string, { signal }: CallOptions = {}): Promise<readonly DeployedSchedule[]> {
    const path = ["schedules", task, "resume"];
    return schedulesIn(
      await this.#connection.json({ method: "POST", path, repeatable: true, signal }),
    );
  }
}

/** Calls about queue messages that could not be processed. */
export class DeadLetterCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list({ limit, cursor, signal }: PageOptions = {}): Promise<{
    readonly dead_letters: readonly DeadLetter[];
    readonly next_cursor: string | null;
  }> {
    return this.#connection.json({ path: ["dead-letters"], query: { limit, cursor }, signal });
  }

  /** Processes a message again. */
  redrive(id: string, { signal }: CallOptions = {}): Promise<Redriven> {
    return this.#connection.json({ method: "POST", path: ["dead-letters", id, "redrive"], signal });
  }

  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    const answer = await this.#connection.request({
      method: "DELETE",
      path: ["dead-letters", id],
      signal,
    });
    await answer.body?.cancel();
  }
}

export interface AuditOptions extends PageOptions {
  /** Filters by the field `who` of an entry. */
  readonly who?: string | undefined;
  /** Filters by the field `what` of an entry. */
  readonly what?: string | undefined;
  readonly since?: Date | undefined;
}

/** Reads a page of the audit log, newest first. A page may be empty and still have a cursor. */
export function listAudit(
  connection: Connection,
  { who, what, since, limit, cursor, signal }: AuditOptions,
): Promise<{ readonly entries: readonly AuditEntry[]; readonly next_cursor: string | null }> {
  const query = { who, what, since: since?.toISOString(), limit, cursor };
  return connection.json({ path: ["audit"], query, signal });
}

/** Reads the graph of the deployed peach.conf as data. */
export function readGraph(connection: Connection, { signal }: CallOptions): Promise<Graph> {
  return connection.json({ path: ["graph"], signal });
}

/** Reads the graph as a drawing for Mermaid or Graphviz. */
export async function drawGraph(
  connection: Connection,
  format: "mermaid" | "dot",
  { signal }: CallOptions,
): Promise<string> {
  return (await connection.request({ path: ["graph"], query: { format }, signal })).text();
}

/** Lists the endpoints of the deployed peach.conf. */
export async function listEndpoints(
  connection: Connection,
  { signal }: CallOptions,
): Promise<readonly DeployedEndpoint[]> {
  const { endpoints } = await connection.json<{ endpoints: DeployedEndpoint[] }>({
    path: ["endpoints"],
    signal,
  });
  return endpoints;
}

export interface ReconcileOptions extends CallOptions {
  /** Filters by the beginning of keys. */
  readonly prefix?: string | undefined;
  /** Filters by upload time: at most this long ago. */
  readonly since?: DurationInput | undefined;
  /** True triggers nothing and reports what would be triggered. */
  readonly dryRun?: boolean | undefined;
  readonly cursor?: string | undefined;
}

/** Compares a page of a bucket with the existing runs, and triggers the missing ones. */
export function reconcilePage(
  connection: Connection,
  bucket: string,
  { prefix, since, dryRun, cursor, signal }: ReconcileOptions,
): Promise<ReconciledPage> {
  const query = {
    prefix,
    since: since === undefined ? undefined : durationText(since),
    dry_run: dryRun,
    cursor,
  };
  // Repeatable: an object that has a run gets no second one.
  return connection.json({
    method: "POST",
    path: ["r2", bucket, "reconcile"],
    query,
    repeatable: true,
    signal,
  });
}

function schedulesIn({
  schedules,
}: {
  readonly schedules: readonly DeployedSchedule[];
}): readonly DeployedSchedule[] {
  return schedules;
}

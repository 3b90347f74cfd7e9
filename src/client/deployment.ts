/** The calls about what is deployed: tasks, endpoints, schedules, limits, dead letters. */
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

/** The tasks of the deployed peach.conf. */
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

  /** Holds its attempts back until it is resumed. */
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

/** When tasks are due by themselves. */
export class ScheduleCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async list({ signal }: CallOptions = {}): Promise<readonly DeployedSchedule[]> {
    return schedulesIn(await this.#connection.json({ path: ["schedules"], signal }));
  }

  /** Starts nothing of this task by schedule until it is resumed; what is due meanwhile is not caught up. */
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

/** Queue messages that could not be processed. */
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

  /** Another try. */
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
  /** Only of this one, as `who` of an entry says. */
  readonly who?: string | undefined;
  /** Only such, as `what` of an entry says. */
  readonly what?: string | undefined;
  readonly since?: Date | undefined;
}

/** A page of the audit, newest first; it may be empty and yet have a cursor. */
export function listAudit(
  connection: Connection,
  { who, what, since, limit, cursor, signal }: AuditOptions,
): Promise<{ readonly entries: readonly AuditEntry[]; readonly next_cursor: string | null }> {
  const query = { who, what, since: since?.toISOString(), limit, cursor };
  return connection.json({ path: ["audit"], query, signal });
}

/** The graph of the deployed peach.conf as data. */
export function readGraph(connection: Connection, { signal }: CallOptions): Promise<Graph> {
  return connection.json({ path: ["graph"], signal });
}

/** The graph as a drawing for Mermaid or Graphviz. */
export async function drawGraph(
  connection: Connection,
  format: "mermaid" | "dot",
  { signal }: CallOptions,
): Promise<string> {
  return (await connection.request({ path: ["graph"], query: { format }, signal })).text();
}

/** The endpoints of the deployed peach.conf. */
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
  /** Only keys that begin so. */
  readonly prefix?: string | undefined;
  /** Only objects that were uploaded since. */
  readonly since?: DurationInput | undefined;
  /** Only says what it would trigger. */
  readonly dryRun?: boolean | undefined;
  readonly cursor?: string | undefined;
}

/** Holds a page of a bucket against the runs there are, and triggers what is missing. */
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
  // What has its run keeps it: it may be asked again.
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

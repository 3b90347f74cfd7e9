/** Calls about tasks, schedules and dead letters of the deployment. */
import type { Call, CallOptions, Connection } from "./connection.ts";
import type { DeadLetterPage, Redriven } from "../contract/dead-letters.ts";
import type { DeployedSchedule } from "../contract/schedules.ts";
import type { DeployedTask } from "../contract/tasks.ts";
import type { PageOptions } from "./runs.ts";

/** Calls about the tasks of the deployed peach.conf. */
export class TaskCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list({ signal }: CallOptions = {}): Promise<readonly DeployedTask[]> {
    return this.#connection.list("tasks", { path: ["tasks"], signal });
  }

  get(task: string, { signal }: CallOptions = {}): Promise<DeployedTask> {
    return this.#connection.json({ path: ["tasks", task], signal });
  }

  /** Pauses a task: its attempts wait until it is resumed. */
  pause(task: string, { signal }: CallOptions = {}): Promise<DeployedTask> {
    return this.#connection.json(repeatable(["tasks", task, "pause"], signal));
  }

  resume(task: string, { signal }: CallOptions = {}): Promise<DeployedTask> {
    return this.#connection.json(repeatable(["tasks", task, "resume"], signal));
  }
}

/** Calls about schedules. */
export class ScheduleCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list({ signal }: CallOptions = {}): Promise<readonly DeployedSchedule[]> {
    return this.#connection.list("schedules", { path: ["schedules"], signal });
  }

  /** Pauses the schedules of a task. Due times during the pause are not caught up. */
  pause(task: string, { signal }: CallOptions = {}): Promise<readonly DeployedSchedule[]> {
    return this.#connection.list("schedules", repeatable(["schedules", task, "pause"], signal));
  }

  resume(task: string, { signal }: CallOptions = {}): Promise<readonly DeployedSchedule[]> {
    return this.#connection.list("schedules", repeatable(["schedules", task, "resume"], signal));
  }
}

/** Calls about queue messages that could not be processed. */
export class DeadLetterCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list({ limit, cursor, signal }: PageOptions = {}): Promise<DeadLetterPage> {
    return this.#connection.json({ path: ["dead-letters"], query: { limit, cursor }, signal });
  }

  /** Processes a message again. */
  redrive(id: string, { signal }: CallOptions = {}): Promise<Redriven> {
    return this.#connection.json({ method: "POST", path: ["dead-letters", id, "redrive"], signal });
  }

  delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#connection.delete(["dead-letters", id], signal);
  }
}

/** A change that has the same effect when it is sent twice. */
function repeatable(path: readonly string[], signal: AbortSignal | undefined): Call {
  return { method: "POST", path, repeatable: true, signal };
}

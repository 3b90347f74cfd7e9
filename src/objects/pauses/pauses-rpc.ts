/** RPC of the one object that knows which tasks are paused. Every call may be retried. */
import type { RunId } from "../../domain/ids.ts";

export interface PausedTask {
  readonly task: string;
  /** The name of the token. */
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface PausesRpc {
  paused(): Promise<readonly PausedTask[]>;
  /** Pauses a task. The first pause of a task stays. */
  pause(task: string, by: string): Promise<readonly PausedTask[]>;
  /** Resumes a task. The object then notifies the runs that block attempts of the task. */
  resume(task: string): Promise<readonly PausedTask[]>;
  /**
   * Registers a run that blocks attempts of this task, for a notification. False: the task is not
   * paused.
   */
  awaitResume(task: string, runId: RunId): Promise<boolean>;
}

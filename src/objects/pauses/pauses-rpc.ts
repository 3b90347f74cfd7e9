/** What others may call on the one object that knows which tasks are paused. Every call may be made again. */
import type { RunId } from "../../domain/ids.ts";

export interface PausedTask {
  readonly task: string;
  /** The name of the token. */
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface ControlsRpc {
  paused(): Promise<readonly PausedTask[]>;
  /** Who paused first stays. */
  pause(task: string, by: string): Promise<readonly PausedTask[]>;
  /** The runs that hold attempts of the task back are told, soon and by themselves. */
  resume(task: string): Promise<readonly PausedTask[]>;
  /** A run holds attempts of this task back, and wants to be told. False: the task is not paused. */
  awaitResume(task: string, runId: RunId): Promise<boolean>;
}

/** RPC of the schedules object. Every method may be retried. */
import type { ScheduleDefinition, ScheduleState } from "../../domain/schedules/due-times.ts";
import type { Versioned } from "../../domain/version.ts";

/** A schedule with its current state. */
export interface ScheduleStatus {
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
  readonly paused: boolean;
  /** Reason why a due time waits, if known: the code of this object lacks the task. */
  readonly waitingFor: "deploy" | null;
}

/** Schedules of an isolate's deployment. */
export interface Announcement extends Versioned {
  /** Version of the plan: the same for the same schedules. */
  readonly version: string;
  /** Time of the deployment, epoch ms; orders announcements (see `takesOver`). */
  readonly madeAt: number;
  /** Schedules in the order of peach.conf. */
  readonly schedules: readonly ScheduleDefinition[];
}

export interface SchedulesRpc {
  /**
   * Announces the deployed schedules, and checks the alarm. The same version again changes nothing,
   * and an older one changes nothing while the newer is live. A new schedule is due from now on. A
   * missing schedule is kept for a day; if the schedule comes back within the day, due times of the
   * absence are started.
   */
  sync(announced: Announcement): Promise<void>;
  /** Returns all schedules in the order of peach.conf. */
  list(): Promise<readonly ScheduleStatus[]>;
  /** Pauses the schedules of this task, also across deploys. Returns the schedules of the task. */
  pause(task: string, by: string): Promise<readonly ScheduleStatus[]>;
  /**
   * Resumes the schedules of this task from now on; due times of the pause are left out. Returns
   * the schedules of the task.
   */
  resume(task: string): Promise<readonly ScheduleStatus[]>;
}

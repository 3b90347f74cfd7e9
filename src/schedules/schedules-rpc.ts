/** What others may call on the schedules object. All methods may be called again. */
import type { ScheduleDefinition, ScheduleState } from "../core/schedule.ts";

/** A schedule as it is now. */
export interface ScheduleStatus {
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
  readonly paused: boolean;
}

export interface SchedulesRpc {
  /**
   * Says which schedules are deployed, in the order of peach.conf, and sees to the alarm. The same version again changes nothing.
   * A schedule that is new is due from now on; one that is gone is forgotten.
   */
  sync(version: string, schedules: readonly ScheduleDefinition[]): Promise<void>;
  /** All schedules, in the order of peach.conf. */
  list(): Promise<readonly ScheduleStatus[]>;
  /** Starts nothing more for this task, also after a deploy. Its schedules; none if it has none. */
  pause(task: string, by: string): Promise<readonly ScheduleStatus[]>;
  /** The other way round: from now on, without what was due meanwhile. */
  resume(task: string): Promise<readonly ScheduleStatus[]>;
}

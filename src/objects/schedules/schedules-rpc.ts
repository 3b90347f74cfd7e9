/** What others may call on the schedules object. All methods may be called again. */
import type { ScheduleDefinition, ScheduleState } from "../../domain/schedules/due-times.ts";
import type { Versioned } from "../../domain/version.ts";

/** A schedule as it is now. */
export interface ScheduleStatus {
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
  readonly paused: boolean;
  /** What keeps a due time waiting, if that is known: the code of this object does not have its task yet. */
  readonly waitingFor: "deploy" | null;
}

/** Which schedules an isolate's deployment has. */
export interface Announcement extends Versioned {
  /** Of the plan: the same for the same schedules. */
  readonly version: string;
  /** When the deployment was made, epoch ms: orders announcements (see `takesOver`). */
  readonly madeAt: number;
  /** In the order of peach.conf. */
  readonly schedules: readonly ScheduleDefinition[];
}

export interface SchedulesRpc {
  /**
   * Says which schedules are deployed, and sees to the alarm. The same version again changes nothing, and neither does an older one
   * while the newer is there. A schedule that is new is due from now on; one that is gone is kept for a day, and if it comes back
   * within that, what was due meanwhile is started.
   */
  sync(announced: Announcement): Promise<void>;
  /** All schedules, in the order of peach.conf. */
  list(): Promise<readonly ScheduleStatus[]>;
  /** Starts nothing more for this task, also after a deploy. Its schedules; none if it has none. */
  pause(task: string, by: string): Promise<readonly ScheduleStatus[]>;
  /** The other way round: from now on, without what was due meanwhile. */
  resume(task: string): Promise<readonly ScheduleStatus[]>;
}

/** What a run tells the task of `on_failure`, through an entrypoint of this worker. */
import type { RunId } from "../../domain/ids.ts";
import type { AttemptError, FailReason } from "../../domain/run/state.ts";
import type { TriggerSource } from "../../domain/trigger.ts";

/** What somebody is told when a run has failed. */
export interface Alert {
  /** The task that is told. */
  readonly task: string;
  readonly runId: RunId;
  /** Tells the failures of one run apart. */
  readonly nth: number;
  /** How many runs led to this one (see `TriggerOrigin`). */
  readonly depth: number;
  /** The payload. */
  readonly summary: {
    readonly run_id: RunId;
    readonly task: string;
    readonly status: "failed";
    readonly source: TriggerSource;
    readonly created_at: string;
    readonly started_at: string | null;
    readonly finished_at: string;
    readonly failed_tasks: readonly {
      readonly task: string;
      readonly reason: FailReason;
      readonly attempts: number;
      readonly error: AttemptError | null;
    }[];
    readonly url_path: string;
  };
}

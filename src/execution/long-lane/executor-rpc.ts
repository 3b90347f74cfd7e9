import type { RunId } from "../../domain/ids.ts";
import type { Trial } from "../../domain/trials.ts";

/** What others may call on an executor object. */
export interface ExecutorRpc {
  /** Has the object claim and run this one task, soon and by itself. `trial`: of a suspect that is tried. The same call again changes nothing. */
  start(runId: RunId, ordinal: number, trial?: Trial): Promise<void>;
}

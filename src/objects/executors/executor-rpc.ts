import type { RunId } from "../../domain/ids.ts";
import type { Trial } from "../../domain/trials.ts";

/** RPC interface of an executor object. */
export interface ExecutorRpc {
  /**
   * Claims and runs this task, soon and in the background. `trial`: for a suspect. Repeating the
   * call changes nothing.
   */
  start(runId: RunId, ordinal: number, trial?: Trial): Promise<void>;
}

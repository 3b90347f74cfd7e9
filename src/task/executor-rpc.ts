import type { RunId } from "../core/ids.ts";

/** What others may call on an executor object. */
export interface ExecutorRpc {
  /** Has the object claim and run this one task, soon and by itself. The same call again changes nothing. */
  start(runId: RunId, ordinal: number): Promise<void>;
}

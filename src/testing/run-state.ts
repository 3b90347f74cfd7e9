/** What the kit has read of a run. */
import type { LogLine } from "../contract/run-logs.ts";
import type { RunDocument } from "../contract/run.ts";

/** A log line of an attempt, and the task that has written it. */
export interface TestLogLine extends LogLine {
  readonly task: string;
}

/** Everything that is known of a run at one time. */
export interface RunState {
  readonly document: RunDocument;
  /** Values that tasks passed, by task. */
  readonly passed: ReadonlyMap<string, unknown>;
  readonly payload: unknown;
  readonly logs: readonly TestLogLine[];
}

/** The parts of a run that the kit has read. */
import type { LogLine } from "../contract/run-logs.ts";
import type { RunDocument } from "../contract/run.ts";

/** A log line of an attempt, and the task that has written it. */
export interface TestLogLine extends LogLine {
  readonly task: string;
}

/** The state of a run at one time. */
export interface RunState {
  readonly document: RunDocument;
  /** Values that tasks passed, by task. */
  readonly passed: ReadonlyMap<string, unknown>;
  /** Values that tasks passed to single children, by task and child. */
  readonly to: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly payload: unknown;
  readonly logs: readonly TestLogLine[];
}

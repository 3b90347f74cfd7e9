/**
 * `peach/testing`: tests of pipelines in one process, on the real engine.
 */
export { RefusedError, testPipeline, TestPipeline } from "./pipeline.ts";
export type { TriggerOptions } from "../execution/author/api.ts";
export type { Completion, TestPipelineOptions } from "./pipeline.ts";
export type { Mocks } from "./registry.ts";
export type { TestLogLine } from "./run-state.ts";
export { runTask, type RunTaskOptions, type TaskResult } from "./run-task.ts";
export {
  type FaultGroup,
  simulate,
  SimulationError,
  type SimulateOptions,
  type SimulationSummary,
} from "./simulate.ts";
export type { RunSnapshot, TaskSnapshot } from "./snapshot.ts";
export type { TestRun, TestTask } from "./test-run.ts";
export { WaitingOutsideError } from "./world-errors.ts";

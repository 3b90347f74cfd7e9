/**
 * `peach/testing`: tests of pipelines in one process, on the real engine.
 */
export { RefusedError, testPipeline, TestPipeline } from "./pipeline.ts";
export { WaitingOutsideError } from "./world.ts";

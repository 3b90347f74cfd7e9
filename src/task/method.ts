/**
 * What a pipeline file may export, and the registry that `npm run compile` generates from the methods peach.conf names.
 */
import type { ZodType } from "zod";
import type { EndpointContext, TaskContext } from "./author-api.ts";

/** A task as a plain function. */
export type TaskFunction = (payload: never, task: TaskContext) => unknown;

/** A task declared with types, by `task({...})`. */
export interface TypedTask<Input extends ZodType = ZodType, Output extends ZodType = ZodType> {
  readonly kind: "peach.task";
  readonly input: Input | null;
  readonly output: Output | null;
  readonly run: (payload: never, task: TaskContext) => unknown;
}

/** Answers a request: a `Response`, a JSON value, or undefined (202 and the runs it triggered). */
export type EndpointFunction = (request: Request, endpoint: EndpointContext) => unknown;

/** By method key, as in the plan. */
export interface MethodRegistry {
  readonly tasks: Readonly<Record<string, TaskFunction | TypedTask>>;
  readonly endpoints: Readonly<Record<string, EndpointFunction>>;
}

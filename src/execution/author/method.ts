/**
 * What a pipeline file may export, and the registry that `npm run compile` generates from the methods peach.conf names.
 */
import type { ZodType } from "zod";
import type { EndpointContext, TaskContext } from "./api.ts";

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
  /** Absent: there are none. */
  readonly others?: OtherMethods;
}

/**
 * All that the pipelines export, named in peach.conf or not: a run that was accepted under another peach.conf finds its methods there.
 * A file that nothing else needs is evaluated when it is first asked for, so that one that throws then breaks nothing else.
 */
export interface OtherMethods {
  /** By module: what the file exports. */
  readonly modules: Readonly<Record<string, () => Promise<object>>>;
  /** The module of each name that one file alone exports. */
  readonly moduleOf: Readonly<Record<string, string>>;
}

/** A method of either form, ready to be called. */
export interface RunnableMethod {
  readonly input: ZodType | null;
  readonly output: ZodType | null;
  readonly run: (payload: unknown, task: TaskContext) => unknown;
  /** False: nobody would see its payload, so that it need not be fetched. */
  readonly takesPayload: boolean;
}

/** The task method of this key, or null if the deployed code has none. */
export function methodOf(registry: MethodRegistry, key: string): RunnableMethod | null {
  const method = Object.hasOwn(registry.tasks, key) ? registry.tasks[key] : undefined;
  return method === undefined ? null : runnable(method);
}

/**
 * The same, also of methods that peach.conf does not name (any more). `exporter`: the module that exported it when it was named; it
 * decides where several export that name by now. Rejects with what its file throws when it is evaluated.
 */
export async function findMethod(
  registry: MethodRegistry,
  key: string,
  exporter?: string,
): Promise<RunnableMethod | null> {
  const named = methodOf(registry, key);
  if (named !== null || registry.others === undefined) return named;
  const { modules, moduleOf } = registry.others;
  const [, module = Object.hasOwn(moduleOf, key) ? moduleOf[key] : exporter, name = key] =
    /^(.+)#([^#]+)$/.exec(key) ?? [];
  const load = module !== undefined && Object.hasOwn(modules, module) ? modules[module] : undefined;
  const exported: unknown = load === undefined ? undefined : Reflect.get(await load(), name);
  return isMethod(exported) ? runnable(exported) : null;
}

/** Files export constants, schemas and classes beside methods. */
function isMethod(exported: unknown): exported is TaskFunction | TypedTask {
  if (typeof exported === "function") return true;
  return (
    typeof exported === "object" &&
    exported !== null &&
    "kind" in exported &&
    exported.kind === "peach.task"
  );
}

function runnable(method: TaskFunction | TypedTask): RunnableMethod {
  const { input, output, run } =
    typeof method === "function" ? { input: null, output: null, run: method } : method;
  // An author's parameter type says what he expects; what arrives is whatever was passed, checked by `input` if there is one.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const called = run as RunnableMethod["run"];
  return {
    input,
    output,
    run: called,
    takesPayload: input !== null || takesArguments(run),
  };
}

/** False for a function that is written without parameters. Its `length` does not tell: it leaves out defaults and `...rest`. */
function takesArguments(run: TypedTask["run"]): boolean {
  if (run.length > 0) return true;
  const text = String(run);
  return (
    !/^(?:async\s*)?(?:function\s*)?[\w$]*\s*\(\s*\)/.test(text) ||
    /\barguments\b|\[native code\]/.test(text)
  );
}

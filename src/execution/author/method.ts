/**
 * The exports of a pipeline file, and the registry that `npm run compile` generates from the
 * methods named in peach.conf.
 */
import type { StandardSchema } from "../../domain/standard-schema.ts";
import type * as untyped from "./api.ts";
import type { ComponentContext, EndpointContext, TaskContext } from "./typed-api.ts";

/**
 * A task as a plain function. Its second parameter may be the context of a single task, which is
 * narrower: TypeScript allows that of methods only.
 */
export type TaskFunction = { run(payload: never, task: TaskContext): unknown }["run"];

/** A task declared with types, by `task({...})`. */
export interface TypedTask<
  Input extends StandardSchema = StandardSchema,
  Output extends StandardSchema = StandardSchema,
> {
  readonly kind: "peach.task";
  readonly input: Input | null;
  readonly output: Output | null;
  readonly run: TaskFunction;
}

/** Answers a request: a `Response`, a JSON value, or undefined (202 and the runs it triggered). */
export type EndpointFunction = (request: Request, endpoint: EndpointContext) => unknown;

/** Computes a recommendation from the parameters of a request: a JSON value. */
export type ComponentFunction = (params: never, endpoint: ComponentContext) => unknown;

/** Methods by key, as in the plan. */
export interface MethodRegistry {
  readonly tasks: Readonly<Record<string, TaskFunction | TypedTask>>;
  readonly endpoints: Readonly<Record<string, EndpointFunction>>;
  /** Components of recommendation endpoints, and their fallbacks; absent without any. */
  readonly components?: Readonly<Record<string, ComponentFunction>>;
  /** Exports that peach.conf does not name; absent without any. */
  readonly others?: OtherMethods;
}

/**
 * All exports of the pipeline files, named in peach.conf or not: a run accepted under another
 * peach.conf finds its methods here. A file that no named method needs is evaluated at its first
 * use, so a file that throws breaks only its own methods.
 */
export interface OtherMethods {
  /** The exports of each file, by module. */
  readonly modules: Readonly<Record<string, () => Promise<object>>>;
  /** The module of each name that exactly one file exports. */
  readonly moduleOf: Readonly<Record<string, string>>;
}

/** A method of either form, ready to be called. */
export interface RunnableMethod {
  readonly input: StandardSchema | null;
  readonly output: StandardSchema | null;
  readonly run: (payload: unknown, task: untyped.TaskContext) => unknown;
  /** False if the method ignores its payload, which is then not fetched. */
  readonly takesPayload: boolean;
}

/** Returns the task method of this key, or null if the deployed code has none. */
export function methodOf(registry: MethodRegistry, key: string): RunnableMethod | null {
  const method = Object.hasOwn(registry.tasks, key) ? registry.tasks[key] : undefined;
  return method === undefined ? null : runnable(method);
}

/**
 * Finds a method, also one that peach.conf does not name any more. `exporter`: the module that
 * exported the method when it was named; it decides if several modules export the name by now.
 * Rejects with the error of the module's evaluation.
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

/** True for methods. Files also export constants, schemas and classes. */
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
  // An author's parameter type is a promise of the author; the value is whatever was passed,
  // checked by `input` if there is a schema. The context is typed by the project's names.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const called = run as RunnableMethod["run"];
  return {
    input,
    output,
    run: called,
    takesPayload: input !== null || takesArguments(run),
  };
}

/**
 * False for a function without parameters. `length` is not enough: it does not count defaults and
 * `...rest`.
 */
function takesArguments(run: TypedTask["run"]): boolean {
  if (run.length > 0) return true;
  const text = String(run);
  return (
    !/^(?:async\s*)?(?:function\s*)?[\w$]*\s*\(\s*\)/.test(text) ||
    /\barguments\b|\[native code\]/.test(text)
  );
}

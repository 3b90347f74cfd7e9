/** The registry of the engine: the functions of the project, or mocks in the place of tasks. */
import { nearest } from "../domain/nearest.ts";
import type { EndpointPlan, Plan, TaskPlan } from "../domain/plan/plan.ts";
import { AttemptNames, type AuthorFunction } from "./author-code.ts";
import type { TypedTask } from "../execution/author/method.ts";
import type { TestProject } from "./project.ts";

/** Functions in the place of tasks, by the task's name in peach.conf. */
export type Mocks = Readonly<Record<string, (payload: never, task: never) => unknown>>;

/** Calls a function of the project. */
type RunAuthor = (
  call: AuthorFunction,
  self: unknown,
  input: unknown,
  context: unknown,
  name: (context: unknown) => string,
) => unknown;

/** Returns the registry and the plan that uses it. Throws for a mock of an unknown task. */
export function registryOf(
  { plan, functions }: TestProject,
  mocks: Mocks,
  run: RunAuthor,
): { readonly plan: Plan; readonly registry: object } {
  const tasks: Record<string, TaskPlan> = Object.create(null);
  const methods: Record<string, unknown> = {};
  for (const name of Object.keys(mocks))
    if (!Object.hasOwn(plan.tasks, name)) throw new Error(noTask(plan, name));
  for (const task of Object.values(plan.tasks)) {
    const mock = Object.hasOwn(mocks, task.name) ? mocks[task.name] : undefined;
    const original = functions.get(task.method);
    const key = mock === undefined ? task.method : `mock of ${task.name}`;
    tasks[task.name] = mock === undefined ? task : withMethod(task, key);
    methods[key] = taskMethod(original, mock, run);
  }
  const answering = (isServing: boolean, name: string): Record<string, unknown> =>
    Object.fromEntries(
      plan.endpoints
        .filter(({ recommendation }) => (recommendation !== undefined) === isServing)
        .flatMap(keysOf)
        .map((key) => [key, wrapped(functions.get(key), run, () => `${name} (${key})`)]),
    );
  const endpoints = answering(false, "an endpoint");
  const components = answering(true, "a component");
  return { plan: { ...plan, tasks }, registry: { tasks: methods, endpoints, components } };
}

/** The keys of the functions that answer for an endpoint. */
function keysOf({ method, fallback, recommendation }: EndpointPlan): readonly string[] {
  const components = recommendation?.components.map((component) => component.method) ?? [];
  return [method, ...components, fallback].filter((key) => key !== null);
}

/** The message for a task that peach.conf does not have. */
export function noTask(plan: Plan, name: string): string {
  const names = Object.keys(plan.tasks);
  const meant = nearest(name, names);
  const hint = meant === null ? `the tasks are ${names.join(", ")}` : `did you mean "${meant}"?`;
  return `peach.conf has no task "${name}": ${hint}`;
}

function withMethod({ module: _module, ...task }: TaskPlan, method: string): TaskPlan {
  return { ...task, method };
}

/** Mocks a typed task, and keeps the schemas. A mock of another shape then fails. */
function taskMethod(original: unknown, mock: unknown, run: RunAuthor): unknown {
  if (!isTyped(original)) return wrapped(mock ?? original, run, taskName);
  const { input, output } = original;
  const inner = isTyped(mock) ? mock.run : (mock ?? original.run);
  return { kind: "peach.task", input, output, run: wrapped(inner, run, taskName) };
}

/**
 * The one function of `runTask`. It is called with `payload`, if both that and parents are given:
 * helpers read the parents.
 */
export function wrappedTask(
  fn: unknown,
  payload: unknown,
  parents: object | undefined,
  run: RunAuthor,
): TypedTask {
  const typed = isTyped(fn) ? fn : null;
  const inner = typed?.run ?? fn;
  if (typeof inner !== "function")
    throw new TypeError(`runTask takes a task's function, given ${typeof inner}`);
  const isOwn = parents !== undefined && payload !== undefined;
  const called: AuthorFunction = (read, task) =>
    Reflect.apply(inner, undefined, [isOwn ? payload : read, task]);
  return {
    kind: "peach.task",
    input: isOwn ? null : schemaOf(typed?.input),
    output: schemaOf(typed?.output),
    run: (read, task) => run(called, undefined, read, task, taskName),
  };
}

/** The only cast of a declared schema. */
function schemaOf(schema: unknown): TypedTask["input"] {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return (schema ?? null) as TypedTask["input"];
}

interface Typed {
  readonly kind: "peach.task";
  readonly input: unknown;
  readonly output: unknown;
  readonly run: unknown;
}

function isTyped(method: unknown): method is Typed {
  return (
    typeof method === "object" &&
    method !== null &&
    "kind" in method &&
    method.kind === "peach.task"
  );
}

/** Wraps a function, and keeps the text: the engine finds the parameters in the text. */
function wrapped(method: unknown, run: RunAuthor, name: (context: unknown) => string): unknown {
  if (typeof method !== "function") return method;
  const call: AuthorFunction = (input, context) =>
    Reflect.apply(method, undefined, [input, context]);
  const outer = function (this: unknown, input: unknown, context: unknown): unknown {
    return run(call, this, input, context, name);
  };
  Object.defineProperty(outer, "length", { value: method.length });
  Object.defineProperty(outer, "toString", { value: () => String(method) });
  return outer;
}

function taskName(context: unknown): string {
  if (typeof context !== "object" || context === null) return "a task";
  const { task, runId, attempt, item } = new AttemptNames(context);
  const place = item === null ? `the task "${task}"` : `item ${item} of the task "${task}"`;
  return `${place} (run ${runId}, attempt ${attempt})`;
}

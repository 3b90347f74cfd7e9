/**
 * Makes the text of `tasks.d.ts`: the names and types of the tasks and events of peach.conf. The
 * helpers of `peach/task-helpers` and `peach/client` are typed by it.
 *
 * Types are references to the methods (`typeof module0.recommend`), so an editor knows a changed
 * schema at once; only a change of peach.conf needs another compilation.
 */
import type { Plan, TaskPlan } from "../domain/plan/plan.ts";
import type { EachTasks } from "./check-each.ts";
import type { PipelineModule } from "./discover.ts";
import { PassingCalls } from "./edges/passing-calls.ts";
import { HEADER, methodTypes } from "./emit.ts";
import type { ResolvedMethods } from "./plan.ts";

/**
 * The types of one method. A pattern that infers the whole function type would need the return type
 * of each function; two tasks that trigger each other would then have no type.
 */
const PATTERNS = `type Takes<Method> = Method extends TypedTask<infer Input, infer _>
  ? InferInput<Input>
  : Method extends (payload: infer Payload, ...rest: any) => any
    ? Payload
    : unknown;
type Passes<Method> = Method extends TypedTask<infer _, infer Output>
  ? Passed<InferOutput<Output>>
  : Method extends (...given: any) => infer Returned
    ? Passed<Awaited<Returned>>
    : unknown;
/** A missing value is passed as null. A function that returns nothing may pass anything. */
type Passed<Value> = [Value] extends [void] ? unknown : Value extends undefined ? null : Value;
`;

/**
 * Makes the text of `tasks.d.ts`. The trigger payload of each task has the task's description as
 * its doc comment, which editors show. A task with `each` takes and passes an array.
 */
export function emitTaskTypes(
  plan: Plan,
  methods: ResolvedMethods,
  modules: readonly PipelineModule[],
  eaches: EachTasks,
  outDir: string,
): string {
  const { imports, typeOf } = methodTypes([...methods.tasks.values()], outDir);
  // The return type of a function that calls passToChildTask does not describe the output.
  const passing = new PassingCalls(modules);
  const tasks = Object.values(plan.tasks);
  const named = (lines: (task: TaskPlan) => string | null, indent: string): string =>
    tasks
      .flatMap((task) => {
        const type = lines(task);
        return type === null ? [] : [`${indent}${JSON.stringify(task.name)}: ${type};\n`];
      })
      .join("");
  // Another check reports a missing method; the task then takes any payload.
  const takes = ({ name, description }: TaskPlan): string => {
    const method = methods.tasks.get(name);
    const type = method === undefined ? "unknown" : `Takes<${typeOf(method)}>`;
    const taken = `${type}${eaches.has(name) ? "[]" : ""}`;
    return `${docOf(description, "    ")}    ${JSON.stringify(name)}: ${taken};\n`;
  };
  const passes = ({ name, external }: TaskPlan): string => {
    const method = methods.tasks.get(name);
    if (method === undefined || external || passing.isIn(method.file, method.exportName))
      return eaches.has(name) ? "unknown[]" : "unknown";
    const type = `Passes<${typeOf(method)}>`;
    if (!eaches.has(name)) return type;
    // Downstream tasks read the array of all results, with null for a failed item.
    return eaches.get(name) === "continue" ? `(${type} | null)[]` : `${type}[]`;
  };
  const last = lastTasks(plan);
  // An event starts a run of every listener or of none, so the payload has to fit all listeners.
  const events = [...new Set(tasks.flatMap(({ on }) => on.events))];
  const eventLines = events.map((event) => {
    const listeners = tasks.filter(({ on }) => on.events.includes(event));
    const type = listeners.map(({ name }) => `PeachTasks[${JSON.stringify(name)}]`).join(" & ");
    const doc = docOf(`Triggers ${listeners.map(({ name }) => name).join(", ")}.`, "  ");
    return `${doc}  ${JSON.stringify(event)}: ${type};\n`;
  });
  const outputs = tasks.map(
    (task) => `${docOf(task.description, "  ")}  ${JSON.stringify(task.name)}: ${passes(task)};\n`,
  );
  return `${HEADER}import type { InferInput, InferOutput, PeachTasks, TypedTask } from "peach/task-helpers";
${imports}
${PATTERNS}
interface Outputs {
${outputs.join("")}}

interface Events {
${eventLines.join("")}}

interface Downstream {
${named(({ downstream }) => namesType(downstream), "  ")}}

interface Upstream {
${named(({ upstream }) => namesType(upstream), "  ")}}

/** Runs that end in several tasks are left out. */
interface LastTasks {
${named(({ name }) => namesType([last.get(name) ?? []].flat()), "  ")}}

declare module "peach/task-helpers" {
  interface PeachTasks {
${tasks.map(takes).join("")}  }
  interface PeachProject {
    outputs: Outputs;
    events: Events;
    downstream: Downstream;
    upstream: Upstream;
    last: LastTasks;
  }
}
`;
}

/** Makes the union of some names as a type; null without any, since an empty union is `never`. */
function namesType(names: readonly string[]): string | null {
  return names.length === 0 ? null : names.map((name) => JSON.stringify(name)).join(" | ");
}

/**
 * Makes a doc comment, which editors show; empty without a text. The end of a comment within the
 * text is escaped, so that a description cannot break the file.
 */
export function docOf(text: string | null, indent: string): string {
  if (text === null || text.trim() === "") return "";
  const lines = text.trim().replaceAll("*/", "*\\/").split(/\r?\n/);
  const [first = ""] = lines;
  if (lines.length === 1) return `${indent}/** ${first} */\n`;
  const body = lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n");
  return `${indent}/**\n${body}\n${indent} */\n`;
}

/**
 * Finds the last task of a run of each root: the single task without downstream tasks. Null for a
 * run that ends in several tasks. Each task is visited once, after its downstream tasks.
 */
export function lastTasks(plan: Plan): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  const open = Object.keys(plan.tasks).map((name) => ({ name, isSeen: false }));
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    const { name, isSeen } = top;
    const downstream = plan.tasks[name]?.downstream ?? [];
    if (found.has(name)) continue;
    if (!isSeen && downstream.length > 0) {
      open.push({ name, isSeen: true });
      for (const child of downstream) open.push({ name: child, isSeen: false });
      continue;
    }
    const lasts = new Set(downstream.map((child) => found.get(child) ?? null));
    const [only = null] = lasts;
    found.set(name, downstream.length === 0 ? name : lasts.size === 1 ? only : null);
  }
  return found;
}

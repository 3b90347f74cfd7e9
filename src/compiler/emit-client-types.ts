/**
 * Makes the declarations of a deployment for programs elsewhere, such as a front end: payloads of
 * tasks and events, written out. The text imports `peach/client` only. A program in the project
 * itself uses `tasks.d.ts`, which follows the pipelines without another command.
 */
import type { Plan, TaskPlan } from "../domain/plan/plan.ts";
import type { TaskSets } from "./edges/method-sets.ts";
import { SetTypes } from "./edges/set-types.ts";
import { ANY, arrayOf, NULL, unionOf } from "./edges/value-set.ts";
import { docOf, lastTasks } from "./emit-types.ts";

/** The first line of the file. */
const HEADER = "// Made by `peach types` from peach.conf and the pipelines. Do not edit.\n";

/** Makes the text of the file, with the same names as `tasks.d.ts`. */
export function emitClientTypes(plan: Plan, sets: ReadonlyMap<string, TaskSets>): string {
  const types = new SetTypes();
  const payloadOf = ({ name, each }: TaskPlan): string => {
    const taken = sets.get(name)?.taken ?? ANY;
    return types.of(each === null ? taken : arrayOf(taken));
  };
  // Downstream tasks and `output()` read the array of all results of `each`, with null for a failed
  // item under `on_error: continue`.
  const outputOf = ({ name, each }: TaskPlan): string => {
    const passed = sets.get(name)?.passed ?? ANY;
    if (each === null) return types.of(passed);
    return types.of(arrayOf(each.onError === "continue" ? unionOf([passed, NULL]) : passed));
  };
  const all = Object.values(plan.tasks);
  const lines = (typeOf: (task: TaskPlan) => string): string =>
    all
      .map((task) => `${docOf(task.description, "  ")}  ${key(task.name)}: ${typeOf(task)};\n`)
      .join("");
  const last = [...lastTasks(plan)].flatMap(([root, task]) =>
    task === null ? [] : [`  ${key(root)}: ${key(task)};\n`],
  );
  const names = [...new Set(all.flatMap(({ on }) => on.events))];
  const events = names.map((event) => {
    const listeners = all.filter(({ on }) => on.events.includes(event));
    // The payload has to fit every listener. The type of one is used as it is.
    const payloads = [...new Set(listeners.map(payloadOf))];
    const type =
      payloads.length === 1 ? payloads.join("") : payloads.map((one) => `(${one})`).join(" & ");
    return `  ${key(event)}: ${type};\n`;
  });
  const payloads = lines(payloadOf);
  const outputs = lines(outputOf);
  // Complete only after every type is written.
  const aliases = types.aliases.map((alias) => `${alias}\n`).join("");
  return `${HEADER}import "peach/client";

/** The payload of each task. */
export interface Tasks {
${payloads}}

/** The output of each task, to which \`output()\` of a run resolves. */
export interface Outputs {
${outputs}}

/** The payload of each event. */
export interface Events {
${events.join("")}}

/** The last task of a run, by its root. Runs that end in several tasks are left out. */
interface LastTasks {
${last.join("")}}
${aliases === "" ? "" : `\n${aliases}`}
declare module "peach/client" {
  interface PeachTasks extends Tasks {}
  interface PeachProject {
    outputs: Outputs;
    events: Events;
    last: LastTasks;
  }
}
`;
}

function key(name: string): string {
  return JSON.stringify(name);
}

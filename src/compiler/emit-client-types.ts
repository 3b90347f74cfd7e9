/**
 * Makes the declarations of a deployment for programs elsewhere, such as a front end: payloads of
 * tasks and events, written out. The text imports `peach/client` only. A program in the project
 * itself uses `tasks.d.ts`, which follows the pipelines without another command.
 */
import { isCallable, type Plan, type TaskPlan } from "../domain/plan/plan.ts";
import type { TaskSets } from "./edges/method-sets.ts";
import { SetTypes } from "./edges/set-types.ts";
import { ANY, arrayOf } from "./edges/value-set.ts";
import { docOf } from "./emit-types.ts";

/** The first line of the file. */
const HEADER = "// Made by `peach types` from peach.conf and the pipelines. Do not edit.\n";

/**
 * Makes the text of the file. A task that tokens with the scope `trigger` may not trigger is left
 * out.
 */
export function emitClientTypes(plan: Plan, sets: ReadonlyMap<string, TaskSets>): string {
  const types = new SetTypes();
  const payloadOf = ({ name, each }: TaskPlan): string => {
    const taken = sets.get(name)?.taken ?? ANY;
    return types.of(each === null ? taken : arrayOf(taken));
  };
  const all = Object.values(plan.tasks);
  const tasks = all
    .filter(isCallable)
    .map((task) => `${docOf(task.description, "  ")}  ${key(task.name)}: ${payloadOf(task)};\n`);
  const names = [...new Set(all.flatMap(({ on }) => on.events))];
  const events = names.map((event) => {
    const listeners = all.filter(({ on }) => on.events.includes(event));
    // The payload has to fit every listener. The type of one is used as it is.
    const payloads = [...new Set(listeners.map(payloadOf))];
    const type =
      payloads.length === 1 ? payloads.join("") : payloads.map((one) => `(${one})`).join(" & ");
    return `  ${key(event)}: ${type};\n`;
  });
  const aliases = types.aliases.map((alias) => `${alias}\n`).join("");
  return `${HEADER}import "peach/client";

/** The payload of each task. */
export interface Tasks {
${tasks.join("")}}

/** The payload of each event. */
export interface Events {
${events.join("")}}
${aliases === "" ? "" : `\n${aliases}`}
declare module "peach/client" {
  interface PeachTasks extends Tasks {}
  interface PeachProject {
    events: Events;
  }
}
`;
}

function key(name: string): string {
  return JSON.stringify(name);
}

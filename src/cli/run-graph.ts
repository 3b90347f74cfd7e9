/** Draws a run as a graph, with the status of each task. */
import type { RunDocument, TaskOfRun } from "../contract/run.ts";
import type { Terminal } from "./command.ts";
import { drawGraph } from "./graph/draw-graph.ts";
import { paint, statusColour } from "./table.ts";

/**
 * Draws the tasks of a run below their upstream tasks. The status is a word, also without colours.
 */
export function runGraph({ tasks }: Pick<RunDocument, "tasks">, terminal: Terminal): string {
  const labels = new Map(tasks.map((task) => [task.task, labelOf(task)]));
  const statuses = new Map(tasks.map((task) => [labelOf(task), task.status]));
  const drawn = tasks.map((task) => ({
    name: labelOf(task),
    downstream: task.downstream.flatMap((child) => labels.get(child) ?? []),
  }));
  return drawGraph(drawn, terminal, (label, text) =>
    paint(text, statusColour(statuses.get(label) ?? ""), terminal),
  );
}

/** Names a task with its status, and the items of a task with `each`. */
function labelOf({ task, status, each }: TaskOfRun): string {
  return each === undefined
    ? `${task}: ${status}`
    : `${task}: ${status} ${each.succeeded}/${each.total}`;
}

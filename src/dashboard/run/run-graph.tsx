/**
 * The graph of a run, coloured by status.
 *
 * A run keeps the graph of the peach.conf at the accept: the graph may differ from the deployed
 * graph.
 */
import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useMemo } from "preact/hooks";
import { GraphView } from "../graph/graph-view.tsx";
import type { GraphNode } from "../graph/groups.ts";
import type { RunModel } from "../live/run-model.ts";
import { GroupNote } from "./group-note.tsx";
import { TaskBox } from "./task-box.tsx";

/** The size of a task's box in pixels. */
const BOX_WIDTH = 196;
const BOX_HEIGHT = 52;
/** The limits of the graph's height in pixels; a large graph gets more of the page. */
const LOWEST = 132;
const HIGHEST = 380;
const HIGHEST_LARGE = 560;
/** Graphs above this number of tasks are large. */
const LARGE = 100;

/** Shows the graph. `chosen` is the task whose panel is open. */
export function RunGraph({
  model,
  chosen,
}: {
  readonly model: RunModel;
  readonly chosen: string | null;
}): JSX.Element {
  const names = model.tasks.value;
  // Edges never change in a run, so the tasks are read without subscribing to them.
  const tasks = useMemo(
    () => names.flatMap((name) => model.task(name)?.peek() ?? []),
    [model, names],
  );
  const box = useCallback(
    (task: string) => <TaskBox model={model} task={task} isChosen={task === chosen} />,
    [model, chosen],
  );
  // The functions are stable, so that a change of a task draws one box only.
  const groupNote = useCallback(
    (node: GraphNode) => <GroupNote model={model} tasks={node.tasks} />,
    [model],
  );
  const statusOf = useCallback((task: string) => model.task(task)?.value.status ?? null, [model]);
  // As text: the graph is drawn again only if another task has failed.
  const failed = useComputed(() =>
    model.tasks.value.filter((name) => model.task(name)?.value.status === "failed").join("\n"),
  ).value;
  return (
    <GraphView
      label="Graph of the tasks"
      tasks={tasks}
      boxWidth={BOX_WIDTH}
      boxHeight={BOX_HEIGHT}
      height={LOWEST}
      tallest={tasks.length > LARGE ? HIGHEST_LARGE : HIGHEST}
      box={box}
      groupNote={groupNote}
      statusOf={statusOf}
      failed={failed === "" ? [] : failed.split("\n")}
      hasZoom
    />
  );
}

/**
 * The graph of a run, coloured by status.
 *
 * A run keeps the graph of the peach.conf at the accept: the graph may differ from the deployed
 * graph.
 */
import type { JSX } from "preact";
import { useCallback, useMemo } from "preact/hooks";
import { GraphView } from "../graph/graph-view.tsx";
import type { RunModel } from "../live/run-model.ts";
import { TaskBox } from "./task-box.tsx";

/** The size of a task's box in pixels. */
const BOX_WIDTH = 196;
const BOX_HEIGHT = 52;
/** The limits of the graph's height in pixels. */
const LOWEST = 132;
const HIGHEST = 380;

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
  return (
    <GraphView
      label="Graph of the tasks"
      tasks={tasks}
      boxWidth={BOX_WIDTH}
      boxHeight={BOX_HEIGHT}
      height={Math.min(HIGHEST, Math.max(LOWEST, widest(tasks) * BOX_HEIGHT * 1.4 + 24))}
      box={box}
      hasZoom
    />
  );
}

/**
 * Counts the tasks in the fullest column, by depth. The height of the graph is thus known before
 * its layout.
 */
function widest(
  tasks: readonly { readonly task: string; readonly upstream: readonly string[] }[],
): number {
  const depths = new Map<string, number>();
  const counts = new Map<number, number>();
  for (const { task, upstream } of tasks) {
    const depth = Math.max(0, ...upstream.map((name) => (depths.get(name) ?? 0) + 1));
    depths.set(task, depth);
    counts.set(depth, (counts.get(depth) ?? 0) + 1);
  }
  return Math.max(1, ...counts.values());
}

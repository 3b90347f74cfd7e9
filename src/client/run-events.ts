/** Events of a run, and a run's document updated by them. Pure. */
import type { RunStatus } from "../domain/statuses.ts";
import type { LogEvent, ProgressEvent, RunChange, RunEnd } from "../contract/run-events.ts";
import type { RunDocument } from "../contract/run.ts";
import type { ServerEvent } from "./event-stream.ts";

/**
 * An event of a run. Events with an `id` can resume the stream. Progress and log lines may be lost
 * when a connection breaks.
 */
export type RunEvent =
  | { readonly type: "run"; readonly id: string | null; readonly run: RunDocument }
  | { readonly type: "change"; readonly id: string | null; readonly change: RunChange }
  | { readonly type: "progress"; readonly progress: ProgressEvent }
  | { readonly type: "log"; readonly line: LogEvent }
  | { readonly type: "end"; readonly id: string | null; readonly status: RunStatus };

/** Parses a received event. Returns null for an event that this client does not know. */
export function readRunEvent({ event, data, id }: ServerEvent): RunEvent | null {
  switch (event) {
    case "run":
      return { type: "run", id, run: JSON.parse(data) };
    case "change":
      return { type: "change", id, change: JSON.parse(data) };
    case "progress":
      return { type: "progress", progress: JSON.parse(data) };
    case "log":
      return { type: "log", line: JSON.parse(data) };
    case "end": {
      const { status }: RunEnd = JSON.parse(data);
      return { type: "end", id, status };
    }
    default:
      return null;
  }
}

/**
 * Applies an event to a run's document. Null until a document has come: a resumed stream does not
 * contain one.
 *
 * @example
 * let run = null;
 * for await (const event of peach.runs.events(runId)) run = applyRunEvent(run, event);
 */
export function applyRunEvent(run: RunDocument | null, event: RunEvent): RunDocument | null {
  if (event.type === "run") return event.run;
  if (run === null) return null;
  switch (event.type) {
    case "change": {
      const { run: state, tasks, children } = event.change;
      const changed = new Map(tasks.map((task) => [task.task, task]));
      const known = new Set(run.children.map(({ run_id }) => run_id));
      return {
        ...run,
        ...state,
        tasks: run.tasks.map((task) => changed.get(task.task) ?? task),
        children: [...run.children, ...children.filter(({ run_id }) => !known.has(run_id))],
      };
    }
    case "progress": {
      const { task: name, item, fraction, message, at } = event.progress;
      // The document of a task with `each` counts items; the progress of a single item is not part
      // of it.
      if (item !== undefined) return run;
      const progress = { fraction, message, at };
      return {
        ...run,
        tasks: run.tasks.map((task) => (task.task === name ? { ...task, progress } : task)),
      };
    }
    case "log":
      return run;
    case "end":
      return { ...run, status: event.status };
  }
}

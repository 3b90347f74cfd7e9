/** History of a run: who did what to it. */
import type { RunActionKind } from "./run-action.ts";
import type { Run } from "./state.ts";

/** An action with its task, if it concerns one. */
export interface HistoryEntry {
  readonly what: RunActionKind;
  readonly at: number;
  readonly by: string | null;
  readonly task?: string;
}

/** Lists the actions on a run, the earliest first. Actions noted by older code are missing. */
export function historyOf(run: Run): HistoryEntry[] {
  const later = run.tasks.flatMap(({ task, actions = [] }): HistoryEntry[] =>
    actions.map(({ what, at, by }) => ({
      what,
      at,
      by,
      ...((what === "completed" || what === "paused") && { task: task.name }),
    })),
  );
  return [
    { what: "triggered", at: run.createdAt, by: run.origin.by },
    ...later.toSorted((one, other) => one.at - other.at),
  ];
}

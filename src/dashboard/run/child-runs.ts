/**
 * The runs that a run has triggered, for their rows in its timeline.
 *
 * API calls:
 * - `GET /runs/CHILD`: each of the first twenty, again when the run has changed.
 */
import { type ReadonlySignal, useSignal, useSignalEffect } from "@preact/signals";
import type { RunDocument } from "../../contract/run.ts";
import type { RunStatus } from "../../domain/statuses.ts";
import { get } from "../api.ts";
import type { RunModel } from "../live/run-model.ts";
import { isFinal } from "../timeline.ts";

/** A run that a task has triggered. Times are in milliseconds since 1970; null: it goes on. */
export interface ChildRun {
  readonly runId: string;
  /** The root task of the child run. */
  readonly task: string;
  /** The task that has triggered the child run. */
  readonly parent: string | null;
  readonly status: RunStatus;
  readonly from: number;
  readonly to: number | null;
}

/** The number of child runs that are read: each is a call. */
export const MOST_CHILDREN = 20;
/** The interval of reads while a child runs. */
const REREAD_MS = 3_000;

/** Reads the child runs while the timeline is shown. */
export function useChildRuns(model: RunModel): ReadonlySignal<readonly ChildRun[]> {
  const known = useSignal<readonly ChildRun[]>([]);
  const turn = useSignal(0);
  useSignalEffect(() => {
    void turn.value;
    const ids = (model.head.value?.children ?? []).slice(0, MOST_CHILDREN);
    const aborter = new AbortController();
    let timer: number | undefined;
    const read = async (): Promise<void> => {
      const before = new Map(known.peek().map((child) => [child.runId, child]));
      const found: ChildRun[] = [];
      for (const { run_id } of ids) {
        const child = before.get(run_id);
        if (child !== undefined && isFinal(child.status)) found.push(child);
        else {
          const path = `/runs/${encodeURIComponent(run_id)}`;
          found.push(childOf(await get<RunDocument>(path, aborter.signal)));
        }
      }
      known.value = found;
      if (found.some(({ status }) => !isFinal(status)))
        timer = window.setTimeout(() => (turn.value += 1), REREAD_MS);
    };
    // A child that was deleted, or that the session may not read, has no row; its link stays.
    if (ids.length > 0) read().catch(() => {});
    return () => {
      aborter.abort();
      window.clearTimeout(timer);
    };
  });
  return known;
}

/** Reads the document of a child run. */
function childOf(run: RunDocument): ChildRun {
  return {
    runId: run.run_id,
    task: run.task,
    parent: run.trigger.parent?.task ?? null,
    status: run.status,
    from: Date.parse(run.created_at),
    to: run.finished_at === null ? null : Date.parse(run.finished_at),
  };
}

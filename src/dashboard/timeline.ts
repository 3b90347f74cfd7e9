/**
 * Places the attempts of a run on a time axis, and finds the critical path: the tasks that decided
 * the run's duration. Pure.
 */
import type { AttemptStatus, RunStatus, TaskStatus } from "../domain/statuses.ts";
import type { RunDocument, TaskOfRun } from "../contract/run.ts";

/**
 * A part of a task's time. `queued`: ready to start and not started; `attempt`: running; `retry`:
 * the delay before the next attempt; `waiting`: suspended, or waiting for a completion.
 *
 * Times are in milliseconds since 1970.
 */
export type Segment =
  | { readonly kind: "queued" | "retry" | "waiting"; readonly from: number; readonly to: number }
  | {
      readonly kind: "attempt";
      readonly from: number;
      readonly to: number;
      readonly attempt: number;
      readonly status: AttemptStatus;
    };

/** The row of a task. */
export interface TimelineRow {
  readonly task: string;
  readonly status: TaskStatus;
  readonly segments: readonly Segment[];
  /** True on the critical path. */
  readonly isCritical: boolean;
}

/** The timeline of a run. */
export interface Timeline {
  /** The ends of the axis in milliseconds since 1970; `to` is after `from`. */
  readonly from: number;
  readonly to: number;
  /** Rows in the order of the run's tasks. */
  readonly rows: readonly TimelineRow[];
}

/** Statuses that end a task or a run. */
const FINAL: readonly (TaskStatus | RunStatus)[] = ["succeeded", "failed", "skipped", "cancelled"];

/** Tests if a task or run is over. Only a user's retry changes a final status. */
export function isFinal(status: TaskStatus | RunStatus): boolean {
  return FINAL.includes(status);
}

/** The properties of a run that its timeline needs. */
export type TimedRun = Pick<RunDocument, "created_at" | "started_at" | "finished_at" | "tasks">;

/** Computes the timeline of a run at `now`, in milliseconds since 1970. */
export function timelineOf(run: TimedRun, now: number): Timeline {
  const createdAt = Date.parse(run.created_at);
  const end = run.finished_at === null ? now : Date.parse(run.finished_at);
  const ends = taskEnds(run.tasks, createdAt, end);
  const critical = criticalPath(run.tasks, ends);
  const rows = run.tasks.map((task) => ({
    task: task.task,
    status: task.status,
    segments: segmentsOf(task, readyAt(task, ends, createdAt), end),
    isCritical: critical.has(task.task),
  }));
  const last = Math.max(end, ...rows.flatMap(({ segments }) => segments.map(({ to }) => to)));
  return { from: createdAt, to: Math.max(last, createdAt + 1), rows };
}

/**
 * Computes the end of each task: `now` for a task that goes on. A task that never started ends when
 * its last upstream task did.
 */
function taskEnds(
  tasks: readonly TaskOfRun[],
  createdAt: number,
  now: number,
): Map<string, number> {
  const ends = new Map<string, number>();
  // Tasks are in topological order, so a single pass is enough.
  for (const task of tasks) {
    const last = task.attempts.at(-1);
    const isOpen = last !== undefined && (last.finished_at === null || !isFinal(task.status));
    const ended = last?.finished_at ?? null;
    ends.set(
      task.task,
      isOpen ? now : ended === null ? readyAt(task, ends, createdAt) : Date.parse(ended),
    );
  }
  return ends;
}

/** The time from which a task could have started: the end of its last upstream task. */
function readyAt(task: TaskOfRun, ends: ReadonlyMap<string, number>, createdAt: number): number {
  return Math.max(createdAt, ...task.upstream.map((name) => ends.get(name) ?? createdAt));
}

/**
 * Divides the time of a task into segments. Gaps are named by the attempt before them, and the last
 * gap by the task's status.
 */
function segmentsOf(task: TaskOfRun, ready: number, now: number): Segment[] {
  const segments: Segment[] = [];
  const add = (segment: Segment): void => {
    if (segment.to > segment.from || segment.kind === "attempt") segments.push(segment);
  };
  let before = ready;
  for (const [index, { attempt, status, started_at, finished_at }] of task.attempts.entries()) {
    const from = Date.parse(started_at);
    const to = finished_at === null ? Math.max(now, from) : Date.parse(finished_at);
    add({ kind: gapBefore(task.attempts, index), from: Math.min(before, from), to: from });
    if (finished_at === null && task.status === "waiting") add({ kind: "waiting", from, to });
    else add({ kind: "attempt", from, to, attempt, status });
    before = to;
  }
  if (task.status === "queued") add({ kind: "queued", from: before, to: now });
  if (task.status === "retrying") add({ kind: "retry", from: before, to: now });
  if (task.status === "waiting") add({ kind: "waiting", from: before, to: now });
  return segments;
}

/** Names the gap before an attempt. After a suspended attempt the task waited for another run. */
function gapBefore(attempts: TaskOfRun["attempts"], index: number): "queued" | "retry" | "waiting" {
  if (index === 0) return "queued";
  return attempts[index - 1]?.status === "suspended" ? "waiting" : "retry";
}

/**
 * Finds the critical path: from the task that ended last back to the root, always through the
 * upstream task that ended last.
 */
function criticalPath(tasks: readonly TaskOfRun[], ends: ReadonlyMap<string, number>): Set<string> {
  const started = new Map(
    tasks.filter(({ attempts }) => attempts.length > 0).map((task) => [task.task, task]),
  );
  const latest = (names: Iterable<string>): TaskOfRun | undefined => {
    let found: TaskOfRun | undefined;
    for (const name of names) {
      const task = started.get(name);
      const isLater =
        (ends.get(name) ?? 0) > (found === undefined ? -1 : (ends.get(found.task) ?? 0));
      if (task !== undefined && isLater) found = task;
    }
    return found;
  };
  const path = new Set<string>();
  let task = latest(started.keys());
  // The second condition is for a graph with a cycle, which would never end.
  while (task !== undefined && !path.has(task.task)) {
    path.add(task.task);
    task = latest(task.upstream);
  }
  return path;
}

/**
 * Computes about `count` marks at round steps of an axis of `spanMs`, as offsets from its start.
 */
export function axisMarks(spanMs: number, count: number): number[] {
  const rough = spanMs / Math.max(1, count);
  const step =
    STEPS_MS.find((candidate) => candidate >= rough) ?? Math.ceil(rough / 86_400_000) * 86_400_000;
  const marks: number[] = [];
  for (let at = 0; at < spanMs; at += step) marks.push(at);
  return marks;
}

/** Steps of an axis, in milliseconds; above the last one a step is a number of whole days. */
const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
  300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000,
  86_400_000,
];

/** The attempts of a run on an axis of time, and the path of tasks that decided how long it took. Pure. */
import type { AttemptStatus, RunStatus, TaskStatus } from "../domain/statuses.ts";
import type { RunDocument, TaskDocument } from "./documents.ts";

/**
 * What a stretch of a task's time was: `queued` it could have started and had not, `attempt` it ran, `retry` it waited for its
 * next attempt, `waiting` it was suspended or waited for somebody outside.
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

export interface TimelineRow {
  readonly task: string;
  readonly status: TaskStatus;
  readonly segments: readonly Segment[];
  readonly isCritical: boolean;
}

export interface Timeline {
  /** Milliseconds since 1970; `to` is after `from`. */
  readonly from: number;
  readonly to: number;
  /** In the order of the run's tasks. */
  readonly rows: readonly TimelineRow[];
}

const FINAL: readonly (TaskStatus | RunStatus)[] = ["succeeded", "failed", "skipped", "cancelled"];

/** Whether nothing more happens to a task or run of this status by itself. */
export function isFinal(status: TaskStatus | RunStatus): boolean {
  return FINAL.includes(status);
}

/** What the rows of a timeline need of a run. */
export type TimedRun = Pick<RunDocument, "created_at" | "started_at" | "finished_at" | "tasks">;

/** The timeline of a run as it stands at `now` (milliseconds since 1970). */
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

/** When each task ended, or `now` for one that goes on; what never started ended with what it waited for. */
function taskEnds(
  tasks: readonly TaskDocument[],
  createdAt: number,
  now: number,
): Map<string, number> {
  const ends = new Map<string, number>();
  // Tasks come in an order in which what is upstream comes first; a second pass would change nothing.
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

function readyAt(task: TaskDocument, ends: ReadonlyMap<string, number>, createdAt: number): number {
  return Math.max(createdAt, ...task.upstream.map((name) => ends.get(name) ?? createdAt));
}

function segmentsOf(task: TaskDocument, ready: number, now: number): Segment[] {
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

/** What the time before an attempt was: after one that was suspended, the task awaited another run. */
function gapBefore(
  attempts: TaskDocument["attempts"],
  index: number,
): "queued" | "retry" | "waiting" {
  if (index === 0) return "queued";
  return attempts[index - 1]?.status === "suspended" ? "waiting" : "retry";
}

/** From the task that ended last back to the root, each time by the upstream task that ended last. */
function criticalPath(
  tasks: readonly TaskDocument[],
  ends: ReadonlyMap<string, number>,
): Set<string> {
  const started = new Map(
    tasks.filter(({ attempts }) => attempts.length > 0).map((task) => [task.task, task]),
  );
  const latest = (names: Iterable<string>): TaskDocument | undefined => {
    let found: TaskDocument | undefined;
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
  while (task !== undefined && !path.has(task.task)) {
    path.add(task.task);
    task = latest(task.upstream);
  }
  return path;
}

/** About `count` round steps of an axis of `spanMs`, as offsets from its start. */
export function axisMarks(spanMs: number, count: number): number[] {
  const rough = spanMs / Math.max(1, count);
  const step =
    STEPS_MS.find((candidate) => candidate >= rough) ?? Math.ceil(rough / 86_400_000) * 86_400_000;
  const marks: number[] = [];
  for (let at = 0; at < spanMs; at += step) marks.push(at);
  return marks;
}

const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
  300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000,
  86_400_000,
];

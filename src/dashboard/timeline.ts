/**
 * Places the attempts of a run in time, and finds the critical path: the tasks that decided the
 * run's duration. Pure; time-axis.ts converts times to places.
 */
import type { AttemptStatus, RunStatus, TaskStatus } from "../domain/statuses.ts";
import type { RunDocument, TaskOfRun } from "../contract/run.ts";

/**
 * A part of a task's time. `queued`: ready to start and not started; `attempt`: running; `retry`:
 * the delay before the next attempt; `waiting`: suspended, or waiting for a completion; `items`:
 * the items of a task with `each`.
 *
 * The time between the end of a run and its retry by a user is no part of any task.
 *
 * Times are in milliseconds since 1970.
 */
export type Segment =
  | {
      readonly kind: "queued" | "retry" | "waiting" | "items";
      readonly from: number;
      readonly to: number;
    }
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
  /** The time of the next attempt of a task that is retrying, or null. */
  readonly nextAt: number | null;
  /** True on the critical path. */
  readonly isCritical: boolean;
}

/** A part of time, in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The timeline of a run. */
export interface Timeline {
  /** The ends of the axis in milliseconds since 1970; `to` is after `from`. */
  readonly from: number;
  readonly to: number;
  /** Rows in the order of the run's tasks. */
  readonly rows: readonly TimelineRow[];
  /** Times in which nothing happened: the run was over until a user retried it. */
  readonly breaks: readonly Span[];
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
    nextAt:
      task.status === "retrying" && task.next_attempt_at !== undefined
        ? Date.parse(task.next_attempt_at)
        : null,
    isCritical: critical.has(task.task),
  }));
  let last = Math.max(end, createdAt + 1);
  for (const { segments } of rows) for (const { to } of segments) last = Math.max(last, to);
  return { from: createdAt, to: last, rows, breaks: breaksOf(run.tasks, rows) };
}

/** The fewest milliseconds without work that make a break: shorter ones hide nothing. */
const SHORTEST_BREAK_MS = 2_000;

/**
 * Finds the times between the end of the run and a retry by a user: a task was retried, and no task
 * had anything to do.
 */
function breaksOf(tasks: readonly TaskOfRun[], rows: readonly TimelineRow[]): readonly Span[] {
  if (tasks.every(({ retried_after }) => retried_after === undefined)) return [];
  const busy = rows.flatMap(({ segments }) => segments).toSorted((a, b) => a.from - b.from);
  const breaks: Span[] = [];
  let end = busy[0]?.to ?? 0;
  for (const { from, to } of busy) {
    if (from - end >= SHORTEST_BREAK_MS) breaks.push({ from: end, to: from });
    end = Math.max(end, to);
  }
  return breaks;
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
    // A user has retried the run here: the task waited for nothing before.
    if (index > 0 && index === task.retried_after) before = from;
    add({ kind: gapBefore(task, index), from: Math.min(before, from), to: from });
    // An external task has worked for an instant, and then waited for its completion.
    const isWait = task.external === true || (finished_at === null && task.status === "waiting");
    if (isWait && status !== "failed") add({ kind: "waiting", from, to });
    else add({ kind: "attempt", from, to, attempt, status });
    before = to;
  }
  const last = task.attempts.at(-1);
  if (task.status === "queued" && last !== undefined && task.attempts.length === task.retried_after)
    // The task was retried and has not started again; nobody knows since when it is queued.
    return segments;
  if (task.status === "queued") add({ kind: "queued", from: before, to: now });
  if (task.status === "retrying") add({ kind: "retry", from: before, to: now });
  // A task may have been cancelled while it waited for a run: the wait was real.
  const isCutOff = isFinal(task.status) && last?.status === "suspended";
  if (task.status === "waiting" || isCutOff) add({ kind: "waiting", from: before, to: now });
  const isMapping = task.each !== undefined && task.each.total > 0 && last === undefined;
  if (isMapping && task.status === "running") add({ kind: "items", from: before, to: now });
  return segments;
}

/** The kinds of time between attempts. */
type GapKind = Exclude<Segment["kind"], "attempt">;

/**
 * Names the gap before an attempt. After a suspended attempt the task waited for another run, and
 * before the only attempt of a task with `each` its items ran.
 */
function gapBefore({ attempts, each }: TaskOfRun, index: number): GapKind {
  if (index === 0) return each !== undefined && each.total > 0 ? "items" : "queued";
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

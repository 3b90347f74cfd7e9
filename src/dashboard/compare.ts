/** Differences between two runs: tasks, durations, and texts line by line. Pure. */
import type { RunDocument, TaskOfRun } from "../contract/run.ts";

/** A task in both runs; null where a run does not have it. */
export interface TaskPair {
  readonly task: string;
  readonly left: TaskOfRun | null;
  readonly right: TaskOfRun | null;
  /** Time at work of all attempts in milliseconds; null where none has begun. */
  readonly leftMs: number | null;
  readonly rightMs: number | null;
  /** True if the status differs. */
  readonly differs: boolean;
}

/** Pairs the tasks of two runs, in the order of the second, which is the run in question. */
export function pairTasks(left: RunDocument, right: RunDocument): TaskPair[] {
  const ofLeft = new Map(left.tasks.map((task) => [task.task, task]));
  const names = new Set([...right.tasks, ...left.tasks].map(({ task }) => task));
  const ofRight = new Map(right.tasks.map((task) => [task.task, task]));
  return [...names].map((task) => {
    const [one, other] = [ofLeft.get(task) ?? null, ofRight.get(task) ?? null];
    return {
      task,
      left: one,
      right: other,
      leftMs: workMs(one),
      rightMs: workMs(other),
      differs: one?.status !== other?.status,
    };
  });
}

/**
 * The time of a task's ended attempts in milliseconds, without the pauses between them. Null for an
 * external task: its attempt is the wait for a completion.
 */
export function workMs(task: Pick<TaskOfRun, "attempts" | "external"> | null): number | null {
  if (task?.external === true) return null;
  const ended = (task?.attempts ?? []).filter(({ finished_at }) => finished_at !== null);
  if (ended.length === 0) return null;
  return ended.reduce(
    (sum, { started_at, finished_at }) =>
      sum + Date.parse(finished_at ?? "") - Date.parse(started_at),
    0,
  );
}

/** A line of a comparison. `same` lines stand in both texts. */
export interface DiffLine {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

/** Texts with more lines than this are compared by their ends only. */
const MOST_LINES = 1_500;

/** Compares two texts line by line, by the longest common subsequence. */
export function diffLines(left: string, right: string): DiffLine[] {
  const [before, after] = [linesOf(left), linesOf(right)];
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start])
    start += 1;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before.at(-1 - end) === after.at(-1 - end)
  )
    end += 1;
  const same = (lines: readonly string[]): DiffLine[] =>
    lines.map((text) => ({ kind: "same", text }));
  return [
    ...same(before.slice(0, start)),
    ...diffMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(end === 0 ? [] : before.slice(-end)),
  ];
}

/** The lines of a text; an empty text has none. */
function linesOf(text: string): string[] {
  return text === "" ? [] : text.split("\n");
}

/** Compares the parts between the common beginning and the common end. */
function diffMiddle(before: readonly string[], after: readonly string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ kind: "removed", text });
  const added = (text: string): DiffLine => ({ kind: "added", text });
  if (before.length * after.length > MOST_LINES * MOST_LINES)
    return [...before.map(removed), ...after.map(added)];
  // common[i][j]: the length of the longest common part of before[i..] and after[j..].
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1)
    for (let j = after.length - 1; j >= 0; j -= 1)
      common[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [one, other] = [before[i], after[j]];
    if (one !== undefined && one === other) {
      lines.push({ kind: "same", text: one });
      i += 1;
      j += 1;
    } else if (one !== undefined && (other === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(removed(one));
      i += 1;
    } else if (other !== undefined) {
      lines.push(added(other));
      j += 1;
    }
  }
  return lines;
}

/** The parents of a task whose outputs are compared at once. A join may have thousands. */
const PARENTS = 20;

/** A part of the parents of a task, from `from` on. */
export interface ParentPage {
  readonly names: readonly string[];
  readonly from: number;
  /** The first parent of the part before and of the part after; null without one. */
  readonly before: number | null;
  readonly after: number | null;
  readonly total: number;
}

/**
 * Returns the part of a task's parents from this one on. A task may have other parents in each run.
 */
export function parentPage({ left, right }: TaskPair, from: number): ParentPage {
  const all = [...new Set([...(right?.upstream ?? []), ...(left?.upstream ?? [])])];
  const after = from + PARENTS;
  return {
    names: all.slice(from, after),
    from,
    before: from === 0 ? null : Math.max(0, from - PARENTS),
    after: after < all.length ? after : null,
    total: all.length,
  };
}

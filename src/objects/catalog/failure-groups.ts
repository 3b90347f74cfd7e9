/** Groups of failed runs by the first failed task, and by name and message of the error. */
import type { RunId } from "../../domain/ids.ts";
import { type RunFailure, withoutValues } from "../../domain/run/failure.ts";
import type { RunSummary } from "../../domain/run/summary.ts";

/** A run, as a group names it. Epoch milliseconds. */
export interface NamedRun {
  readonly id: RunId;
  readonly createdAt: number;
  readonly confVersion: string | null;
}

/**
 * A group of failed runs. `message` is without numbers, times and ids. `first` and `last` are times
 * of failure, epoch milliseconds.
 */
export interface FailureGroup extends RunFailure {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** Versions of peach.conf, beginning with the version of the earliest failure. */
  readonly confVersions: readonly string[];
  /** The newest failed run, with the whole message. */
  readonly example: NamedRun & { readonly message: string };
  /** Root tasks, with the number of failed runs. */
  readonly pipelines: Readonly<Record<string, number>>;
  /** The newest success before the first failure; null without any. */
  readonly lastGood: NamedRun | null;
}

/** Collects failed runs, newest first. */
export class FailureGroups {
  readonly #groups = new Map<string, FailureGroup>();

  add(run: RunSummary): void {
    const { id, createdAt, confVersion } = run;
    const unknown = { task: run.failedTasks[0] ?? run.task, name: "failed", message: "" };
    const { task, name, message } = run.failure ?? unknown;
    const group = { task, name, message: withoutValues(message) };
    const at = run.finishedAt ?? createdAt;
    const one: FailureGroup = {
      ...group,
      count: 1,
      first: at,
      last: at,
      confVersions: confVersion === undefined ? [] : [confVersion],
      example: { id, createdAt, confVersion: confVersion ?? null, message },
      pipelines: { [run.task]: 1 },
      lastGood: null,
    };
    const key = keyOf(group);
    const known = this.#groups.get(key);
    this.#groups.set(key, known === undefined ? one : merged(known, one));
  }

  /** The groups so far. */
  get all(): readonly FailureGroup[] {
    return [...this.#groups.values()];
  }
}

/** Joins groups of several objects; the largest comes first. */
export function joinGroups(groups: Iterable<FailureGroup>): FailureGroup[] {
  const joined = new Map<string, FailureGroup>();
  for (const group of groups) {
    const known = joined.get(keyOf(group));
    joined.set(keyOf(group), known === undefined ? group : merged(known, group));
  }
  return [...joined.values()].toSorted((one, other) => other.count - one.count);
}

/** Identifies a group across objects. */
function keyOf({ task, name, message }: Pick<FailureGroup, "task" | "name" | "message">): string {
  return JSON.stringify([task, name, message]);
}

/** Merges two groups of one kind; the earlier first failure and the newer example win. */
function merged(one: FailureGroup, other: FailureGroup): FailureGroup {
  const [early, late] = one.first <= other.first ? [one, other] : [other, one];
  const pipelines = { ...one.pipelines };
  for (const [task, count] of Object.entries(other.pipelines))
    pipelines[task] = (pipelines[task] ?? 0) + count;
  const goods = [one.lastGood, other.lastGood].filter((run) => run !== null);
  return {
    task: one.task,
    name: one.name,
    message: one.message,
    count: one.count + other.count,
    first: early.first,
    last: Math.max(one.last, other.last),
    confVersions: [...new Set([...early.confVersions, ...late.confVersions])],
    example: one.last >= other.last ? one.example : other.example,
    pipelines,
    lastGood: goods.toSorted((a, b) => b.createdAt - a.createdAt)[0] ?? null,
  };
}

/** Causes of failures: groups of the API with the same error, whatever task they hit. Pure. */
import type { FailureGroup } from "../contract/statistics.ts";

/** A cause: one error, in one task or in several. */
export interface Cause {
  /** `name: message`, without values; the filter of the runs. */
  readonly failure: string;
  readonly name: string;
  readonly message: string;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  /** Tasks that failed. */
  readonly tasks: readonly string[];
  /** Pipelines with the number of their failed runs, the most first. */
  readonly pipelines: readonly { readonly task: string; readonly count: number }[];
  readonly versions: readonly string[];
  readonly example: string;
  readonly exampleMessage: string;
  readonly lastGood: FailureGroup["last_good"];
}

/** Joins groups with the same error. The most recent cause comes first. */
export function causesOf(groups: readonly FailureGroup[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const group of groups) {
    const failure = `${group.name}: ${group.message}`;
    const known = causes.get(failure);
    const cause = causeOf(failure, group);
    causes.set(failure, known === undefined ? cause : joined(known, cause));
  }
  return [...causes.values()].toSorted(
    (one, other) => other.count - one.count || other.last.localeCompare(one.last),
  );
}

/** Makes a cause of a single group. */
function causeOf(failure: string, group: FailureGroup): Cause {
  return {
    failure,
    name: group.name,
    message: group.message,
    count: group.count,
    first: group.first,
    last: group.last,
    tasks: [group.task],
    pipelines: group.pipelines,
    versions: group.conf_versions,
    example: group.example,
    exampleMessage: group.example_message,
    lastGood: group.last_good,
  };
}

/** Joins two causes with the same error; counts of a pipeline are added. */
function joined(one: Cause, other: Cause): Cause {
  const [early, late] = one.first <= other.first ? [one, other] : [other, one];
  const newest = one.last >= other.last ? one : other;
  const counts = new Map<string, number>();
  for (const { task, count } of [...one.pipelines, ...other.pipelines])
    counts.set(task, (counts.get(task) ?? 0) + count);
  return {
    ...one,
    count: one.count + other.count,
    first: early.first,
    last: newest.last,
    tasks: [...new Set([...one.tasks, ...other.tasks])],
    pipelines: [...counts]
      .map(([task, count]) => ({ task, count }))
      .toSorted((a, b) => b.count - a.count || a.task.localeCompare(b.task)),
    versions: [...new Set([...early.versions, ...late.versions])],
    example: newest.example,
    exampleMessage: newest.exampleMessage,
    lastGood: early.lastGood ?? late.lastGood,
  };
}

/**
 * The deploy that a cause began with: the version of the first failure, if the last good run had
 * another one. Null if the version did not change.
 */
export function beganWith({ versions, lastGood }: Cause): string | null {
  const [first] = versions;
  const before = lastGood?.conf_version ?? null;
  return first !== undefined && before !== null && before !== first ? first : null;
}

/**
 * Checks limits from outside: how many attempts of a limited task ran at once, by the start and end
 * that each attempt reported to the recorder. An attempt lost to a kill ran until the kill. Pure.
 */
import type { History } from "./history.ts";

/**
 * The largest number of concurrent attempts of each task, per user where the limit has a key
 * (`concurrency` in scripts/chaos/peach.conf).
 */
const MOST_AT_ONCE: ReadonlyMap<string, number> = new Map([
  ["limited_2", 2],
  ["keyed_2", 1],
  ["approve_keyed", 1],
]);

export interface Crowd {
  readonly task: string;
  readonly count: number;
  /** Runs whose attempts ran at the peak. */
  readonly runs: readonly string[];
}

/** Returns, for each limited task with too many concurrent attempts, its peak. */
export function overloadsOf({
  reports,
  runs,
  killedAt,
}: Pick<History, "reports" | "runs" | "killedAt">): Crowd[] {
  return [...MOST_AT_ONCE].flatMap(([task, most]) => {
    const spans = spansOf(task, reports, runs, killedAt);
    const overloads = spans.map(({ from, user }) =>
      spans.filter((span) => span.user === user && span.from <= from && from < span.to),
    );
    const largest = overloads.toSorted((one, other) => other.length - one.length)[0] ?? [];
    return largest.length <= most
      ? []
      : [{ task, count: largest.length, runs: largest.map(({ run }) => run) }];
  });
}

interface Span {
  readonly run: string;
  /** The user whose slot was taken; null: the task is limited as a whole. */
  readonly user: string | null;
  /** Positions among all reports. */
  readonly from: number;
  readonly to: number;
}

/**
 * The spans of this task's attempts. A timed-out attempt, on a busy machine, is left out: the slot
 * is released at the timeout, and code that runs on is not counted (docs/guides/limits.md,
 * "concurrency"), although the code may report the end.
 */
function spansOf(
  task: string,
  reports: History["reports"],
  runs: History["runs"],
  killedAt: readonly number[],
): readonly Span[] {
  return reports.flatMap((start, from): Span[] => {
    if (start.event !== "start" || start.task !== task) return [];
    const { run, attempt, user = null } = start;
    const isSame = (one: History["reports"][number]): boolean =>
      one.event === "end" && one.run === run && one.task === task && one.attempt === attempt;
    const document = runs.find(({ runId }) => runId === run)?.final?.document;
    const record = document?.tasks
      .find((one) => one.task === task)
      ?.attempts.find((one) => one.attempt === attempt);
    if (record?.status === "timed_out") return [];
    const to = reports.findIndex((one, at) => at > from && isSame(one));
    if (to !== -1) return [{ run, user, from, to }];
    const killed = killedAt.find((at) => at > from);
    return record?.status === "lost" && killed !== undefined
      ? [{ run, user, from, to: killed }]
      : [];
  });
}

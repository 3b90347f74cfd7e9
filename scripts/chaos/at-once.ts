/**
 * Limits, as they are seen from outside: how many attempts of a limited task have run at once, going by what each told the recorder
 * when it began and when it ended. What a kill has taken ran until that kill. Pure.
 */
import type { History } from "./history.ts";

/** How many attempts of each task may run at once, of each user where it is limited by user (`concurrency` in scripts/chaos/peach.conf). */
const MOST_AT_ONCE: ReadonlyMap<string, number> = new Map([
  ["limited_2", 2],
  ["keyed_2", 1],
  ["approve_keyed", 1],
]);

export interface Crowd {
  readonly task: string;
  readonly count: number;
  /** Runs whose attempts ran then. */
  readonly runs: readonly string[];
}

/** For each limited task, where most of its attempts ran at once, if those were too many. */
export function crowdsOf({
  reports,
  runs,
  killedAt,
}: Pick<History, "reports" | "runs" | "killedAt">): Crowd[] {
  return [...MOST_AT_ONCE].flatMap(([task, most]) => {
    const spans = spansOf(task, reports, runs, killedAt);
    const crowds = spans.map(({ from, user }) =>
      spans.filter((span) => span.user === user && span.from <= from && from < span.to),
    );
    const largest = crowds.toSorted((one, other) => other.length - one.length)[0] ?? [];
    return largest.length <= most
      ? []
      : [{ task, count: largest.length, runs: largest.map(({ run }) => run) }];
  });
}

interface Span {
  readonly run: string;
  /** Whose turn it took; null: the task is limited as a whole. */
  readonly user: string | null;
  /** Places among all reports. */
  readonly from: number;
  readonly to: number;
}

/**
 * When the attempts of this task ran. One that timed out, on a busy machine, is left out: its slot goes back with its timeout, and code
 * that goes on after that is not counted (README, "concurrency"), although it may tell the recorder that it has ended.
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

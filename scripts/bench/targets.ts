/**
 * The project's targets (medians, as ratios within one run), and their check against the results of
 * a bench.
 */
import type { MetricResult } from "./measurement.ts";
import type { SystemName } from "./systems.ts";

export interface Target {
  readonly metric: string;
  /** The system whose figure is the divisor; null: the metric is a ratio already. */
  readonly against: SystemName | null;
  /** The metric of the divisor; absent: the same metric. */
  readonly of?: string;
  readonly bound: "at most" | "at least";
  readonly limit: number;
}

export interface Verdict extends Target {
  readonly ratio: number;
  readonly reached: boolean;
}

const TARGETS: readonly Target[] = [
  { metric: "chain_10", against: "workflows", bound: "at most", limit: 0.35 },
  { metric: "chain_10", against: "bound", bound: "at most", limit: 1.4 },
  { metric: "chain_100", against: "workflows", bound: "at most", limit: 0.35 },
  { metric: "chain_100", against: "bound", bound: "at most", limit: 1.4 },
  { metric: "flatness", against: null, bound: "at most", limit: 1.2 },
  { metric: "fan_1000", against: "workflows", bound: "at most", limit: 0.3 },
  { metric: "each", against: "workflows", bound: "at most", limit: 0.33 },
  { metric: "diamonds", against: "workflows", bound: "at least", limit: 2.2 },
  { metric: "diamonds", against: "bound", bound: "at least", limit: 0.9 },
  { metric: "overload_finished", against: "workflows", bound: "at least", limit: 1.5 },
  {
    metric: "overload_finished",
    against: "peach",
    of: "overload_direct_finished",
    bound: "at least",
    limit: 0.9,
  },
  { metric: "overload_flatness", against: null, bound: "at least", limit: 1 },
  { metric: "direct_to_code", against: "bound", bound: "at most", limit: 1.3 },
];

/** Checks the targets for which these results contain the metrics. */
export function judge(
  results: readonly MetricResult[],
  targets: readonly Target[] = TARGETS,
): Verdict[] {
  return targets.flatMap((target) => {
    const figures = results.find(({ name }) => name === target.metric)?.figures;
    const own = figures?.peach?.median;
    const others =
      target.of === undefined ? figures : results.find(({ name }) => name === target.of)?.figures;
    const other = target.against === null ? 1 : others?.[target.against]?.median;
    if (own === undefined || other === undefined) return [];
    const ratio = own / other;
    return [
      {
        ...target,
        ratio,
        reached: target.bound === "at most" ? ratio <= target.limit : ratio >= target.limit,
      },
    ];
  });
}

/**
 * The time span of the pages Now and of a pipeline: as in the address, else as the runs ask for.
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunStatistics } from "../contract/statistics.ts";
import { query } from "./location.ts";
import { type Span, SPAN_NAMES } from "./routes.ts";

const HOUR_MS = 3_600_000;

/** True once it is known that all runs were created in the last hour. */
const isYoung = signal(false);

/** The span. A day would show the runs of a deployment's first hour as one bar. */
export function shownSpan(): Span {
  const asked = SPAN_NAMES.find((name) => name === query.value.get("span"));
  return asked ?? (isYoung.value ? "1h" : "24h");
}

/** Looks at the statistics of a day for whether an hour shows the same runs. */
export function useYoungSpan(span: Span, statistics: RunStatistics | null): void {
  useEffect(() => {
    if (statistics === null || span !== "24h") return;
    const first = statistics.tasks.flatMap(({ intervals }) => intervals[0]?.at ?? []).toSorted()[0];
    isYoung.value =
      first !== undefined && Date.parse(statistics.until) - Date.parse(first) < HOUR_MS;
  }, [span, statistics]);
}

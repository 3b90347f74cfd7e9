/**
 * The data of the page Runs: the list, its counts, and their changes from the live feed.
 *
 * API calls:
 * - `GET /runs`: pages of runs that match the filters.
 * - `GET /runs/count`: counts by status.
 * - `GET /runs/feed`: new and changed runs, as a stream.
 * - `GET /runs/ID/payload`: for conditions on payloads, which the page applies itself.
 */
import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { get, getBytes, payloadPath, problemOf } from "../api.ts";
import type { RunCounts, RunPage as Page, RunSummary } from "../../contract/run-lists.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { serverNow } from "../live/clock.ts";
import { useFeed } from "../live/feed.ts";
import {
  filtersFromQuery,
  filtersToApi,
  matchesFilters,
  type RunFilters,
  runsPath,
} from "../routes.ts";
import { matchesPayload } from "../search.ts";

/** The number of runs that a read adds to the list. */
const PAGE_SIZE = 50;
/** Payloads that a read looks into before it shows what it has found, and how much of each. */
const MOST_SEARCHED = 300;
const SEARCHED_BYTES = 64_000;
const PAYLOADS_AT_ONCE = 6;

/**
 * Reads the list and updates it from the feed: a new run is put on top, and a known run is changed
 * in place.
 */
export function useRuns(filters: RunFilters) {
  const runs = useSignal<readonly RunSummary[] | null>(null);
  const counts = useSignal<RunCounts | null>(null);
  const cursor = useSignal<string | null>(null);
  const problem = useSignal<ShownProblem | null>(null);
  /** The number of payloads that were read for the conditions. */
  const searched = useSignal(0);
  // The number of the latest read. An answer to an older one is dropped, or a slow answer would
  // show the runs of other filters.
  const round = useRef(0);
  const countsTimer = useRef<number | undefined>(undefined);
  const key = runsPath(filters);

  // The counts ignore the status filter: they stand beside the statuses to choose from.
  const readCounts = useCallback(async (): Promise<void> => {
    const { statuses: _, ...rest } = filtersFromQuery(new URL(key, location.origin).searchParams);
    counts.value = await get<RunCounts>(
      `/runs/count?${filtersToApi({ ...rest, statuses: [] }, serverNow())}`,
    );
  }, [key, counts]);

  /** Reads a page and appends it; without a cursor, replaces the list and reads the counts. */
  const read = useCallback(
    async (after: string | null): Promise<void> => {
      round.current += 1;
      const ours = round.current;
      const wanted = filtersFromQuery(new URL(key, location.origin).searchParams);
      const asked = new URLSearchParams(filtersToApi(wanted, serverNow()));
      asked.set("limit", String(PAGE_SIZE));
      if (after !== null) asked.set("cursor", after);
      try {
        let page = await readPage(asked.toString(), wanted.payload);
        let looked = page.searched;
        // A page may be empty while more follow, since filters are applied to each page. The list
        // reads on until it has something to show.
        while (
          page.runs.length === 0 &&
          page.next_cursor !== null &&
          looked < MOST_SEARCHED &&
          ours === round.current
        ) {
          asked.set("cursor", page.next_cursor);
          page = await readPage(asked.toString(), wanted.payload);
          looked += page.searched;
        }
        if (ours !== round.current) return;
        runs.value = after === null ? page.runs : [...(runs.peek() ?? []), ...page.runs];
        cursor.value = page.next_cursor;
        searched.value = (after === null ? 0 : searched.peek()) + looked;
        problem.value = null;
        if (after === null) await readCounts();
      } catch (error) {
        if (ours === round.current && runs.peek() === null) problem.value = problemOf(error);
      }
    },
    [key, runs, cursor, problem, searched, readCounts],
  );

  // New filters: the old list is dropped, and the answers to its reads are ignored.
  useEffect(() => {
    runs.value = null;
    cursor.value = null;
    problem.value = null;
    void read(null);
    return () => void (round.current += 1);
  }, [read, runs, cursor, problem]);

  // Runs that no longer match the filters stay until the next read.
  const take = useCallback(
    (changed: readonly RunSummary[]) => {
      const shown = runs.peek();
      if (shown === null) return;
      const wanted = filtersFromQuery(new URL(key, location.origin).searchParams);
      runs.value = mergeRuns(shown, changed, wanted);
      // Counts are read once a burst of changes is over.
      window.clearTimeout(countsTimer.current);
      countsTimer.current = window.setTimeout(() => void readCounts().catch(() => undefined), 800);
    },
    [key, runs, readCounts],
  );
  useFeed(
    take,
    useCallback(() => void read(null), [read]),
  );
  return {
    runs,
    counts,
    cursor,
    problem,
    searched,
    reload: () => void read(null),
    more: () => void read(cursor.peek()),
  };
}

/** Reads a page and applies the conditions. `searched` is the number of payloads that were read. */
async function readPage(
  query: string,
  conditions: readonly string[],
): Promise<Page & { readonly searched: number }> {
  const page = await get<Page>(`/runs?${query}`);
  if (conditions.length === 0) return { ...page, searched: 0 };
  const runs = await withPayload(page.runs, conditions);
  return { ...page, runs, searched: page.runs.length };
}

/** The runs whose payload is JSON that meets the conditions. */
async function withPayload(
  runs: readonly RunSummary[],
  conditions: readonly string[],
): Promise<readonly RunSummary[]> {
  const matching = new Set<string>();
  const queue = [...runs];
  const work = async (): Promise<void> => {
    for (let run = queue.shift(); run !== undefined; run = queue.shift())
      if (matchesPayload(await payloadOf(run.run_id), conditions)) matching.add(run.run_id);
  };
  await Promise.all(Array.from({ length: PAYLOADS_AT_ONCE }, work));
  return runs.filter(({ run_id }) => matching.has(run_id));
}

/** The payload of a run; undefined for one that is no JSON, too long, or gone. */
async function payloadOf(runId: string): Promise<unknown> {
  try {
    const path = payloadPath(runId, null);
    const response = await getBytes(path, SEARCHED_BYTES, AbortSignal.timeout(10_000));
    return JSON.parse(await response.text());
  } catch {
    return undefined;
  }
}

/** Updates the shown runs and puts new matching ones on top, newest first. */
function mergeRuns(
  shown: readonly RunSummary[],
  changed: readonly RunSummary[],
  filters: RunFilters,
): readonly RunSummary[] {
  const latest = new Map(changed.map((run) => [run.run_id, run]));
  const kept = shown.map((run) => latest.get(run.run_id) ?? run);
  for (const { run_id } of shown) latest.delete(run_id);
  const added = [...latest.values()].filter((run) => matchesFilters(run, filters, serverNow()));
  if (added.length === 0) return kept;
  return [...added.toSorted((a, b) => b.created_at.localeCompare(a.created_at)), ...kept];
}

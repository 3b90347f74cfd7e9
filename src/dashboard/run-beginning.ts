/**
 * Finds runs by the beginning of an id, for the palette.
 *
 * API calls, while a text is the beginning of no known id:
 * - `GET /runs`: the newest 1,000, page by page, as `peach show` reads them.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunPage, RunSummary } from "../contract/run-lists.ts";
import { parseRunId } from "../domain/ids.ts";
import { get } from "./api.ts";

/** The number of newest runs to search, and of runs in a read. */
const SEARCHED = 1_000;
const PAGE = 200;

/** The id that a text names, with or without `run_`, or the beginning of one; null for neither. */
export function runIdBeginning(text: string): string | null {
  const known = text.trim().toLowerCase();
  // Two letters begin many names, and four few.
  const letters = /^(?:run_)?([0-9a-hjkmnp-tv-z]{4,26})$/.exec(known)?.[1];
  return letters === undefined ? null : `run_${letters}`;
}

/** The runs that were found. */
export interface RunsBeginning {
  readonly runs: readonly RunSummary[];
  /**
   * The number of newest runs among which none was found, while there are older ones; else null.
   */
  readonly searched: number | null;
}

/** Finds the runs whose ids begin so. Null finds none; a whole id needs no search. */
export function useRunsBeginning(beginning: string | null): RunsBeginning {
  const read = useSignal<readonly RunSummary[]>([]);
  const cursor = useSignal<string | null>("");
  const isSought = beginning !== null && parseRunId(beginning) === null;
  const found = isSought ? read.value.filter(({ run_id: id }) => id.startsWith(beginning)) : [];
  const after =
    isSought && found.length === 0 && read.value.length < SEARCHED ? cursor.value : null;
  useEffect(() => {
    if (after === null) return undefined;
    const aborter = new AbortController();
    const readPage = async (): Promise<void> => {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (after !== "") query.set("cursor", after);
      const page = await get<RunPage>(`/runs?${query}`, aborter.signal);
      read.value = [...read.value, ...page.runs];
      cursor.value = page.next_cursor;
    };
    // The palette has its other entries, and a page says why the worker does not answer.
    readPage().catch(() => {});
    return () => aborter.abort();
  }, [after, read, cursor]);
  const isOver = isSought && found.length === 0 && after === null && cursor.value !== null;
  return { runs: found, searched: isOver ? read.value.length : null };
}

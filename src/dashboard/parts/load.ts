/** Reads from the API while a component is shown. */
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { get, problemOf } from "../api.ts";
import { serverNow } from "../live/clock.ts";
import type { ShownProblem } from "../shown-problem.ts";

/** The state of a read. */
export interface Loaded<T> {
  /**
   * The latest answer; null before the first. It stays during and after a failed read, so that the
   * page does not flicker.
   */
  readonly data: Signal<T | null>;
  /** The reason why the last read failed, or null. */
  readonly problem: Signal<ShownProblem | null>;
  /** Reads again. */
  readonly reload: () => void;
}

/** The delay before a new read while the worker is unreachable. */
const SOON_MS = 2_000;

/** Reads again soon while the worker is unreachable. */
function useReadAgainSoon(problem: Signal<ShownProblem | null>, turn: Signal<number>): void {
  useSignalEffect(() => {
    if (problem.value?.code !== "unreachable") return undefined;
    const timer = window.setTimeout(() => (turn.value += 1), SOON_MS);
    return () => window.clearTimeout(timer);
  });
}

/**
 * Reads `GET /api/v1` and this path, again when the path changes and every `everyMs` while the page
 * is visible. Null reads nothing. A new read aborts the previous one.
 */
export function useGet<T>(path: string | null, everyMs?: number): Loaded<T> {
  return usePoll(path, () => path ?? "", everyMs);
}

/**
 * Reads the path that `pathOf` makes at that moment, every `everyMs` while the page is visible.
 * `key` identifies what is read: the answer stays until the key changes. Null reads nothing.
 */
export function usePoll<T>(
  key: string | null,
  pathOf: (now: number) => string,
  everyMs?: number,
): Loaded<T> {
  const data = useSignal<T | null>(null);
  const problem = useSignal<ShownProblem | null>(null);
  const turn = useSignal(0);
  const shownKey = useRef<string | null>(null);
  const readOf = useRef(pathOf);
  readOf.current = pathOf;
  const asked = useSignal(key);
  asked.value = key;

  useSignalEffect(() => {
    void turn.value;
    const wanted = asked.value;
    if (shownKey.current !== wanted) {
      shownKey.current = wanted;
      data.value = null;
      problem.value = null;
    }
    if (wanted === null) return undefined;
    const aborter = new AbortController();
    const read = async (): Promise<void> => {
      try {
        data.value = await get<T>(readOf.current(serverNow()), aborter.signal);
        problem.value = null;
      } catch (error) {
        if (!aborter.signal.aborted) problem.value = problemOf(error);
      }
    };
    void read();
    return () => aborter.abort();
  });
  useReadAgainSoon(problem, turn);
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = window.setInterval(() => {
      if (!document.hidden) turn.value += 1;
    }, everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs, turn]);
  return { data, problem, reload: () => (turn.value += 1) };
}

/**
 * Reads a list at this path, which has a query. The first page is read again and again. `entries`
 * is null before the first answer. `readOlder` reads the next older page, and is null without such
 * a page. `restart` drops the older pages and reads the first page again.
 *
 * Newer entries push others off the first page. The first page stays as of the first read of an
 * older one, in front of the older pages, so that no entry between the pages is lost.
 */
export function usePages<
  Entry extends { readonly id: string },
  Page extends { readonly next_cursor: string | null },
>(path: string, entriesOf: (page: Page) => readonly Entry[], everyMs: number) {
  const { data, problem, reload } = useGet<Page>(path, everyMs);
  const older = useSignal<readonly Page[]>([]);
  const pages = data.value === null ? [] : [data.value, ...older.value];
  const cursor = pages.at(-1)?.next_cursor ?? null;
  const readOlder = async (next: string): Promise<void> => {
    const page = await get<Page>(`${path}&cursor=${encodeURIComponent(next)}`);
    const [first] = pages;
    const kept = older.value.length === 0 && first !== undefined ? [first] : older.value;
    older.value = [...kept, page];
  };
  return {
    entries: data.value === null ? null : onceEach(pages.flatMap(entriesOf)),
    readOlder: cursor === null ? null : () => readOlder(cursor),
    problem,
    reload,
    restart: () => {
      older.value = [];
      reload();
    },
  };
}

/** Selects the first entry of each id, which is the one that was read last. */
function onceEach<Entry extends { readonly id: string }>(entries: readonly Entry[]): Entry[] {
  const known = new Set<string>();
  return entries.filter(({ id }) => known.size < known.add(id).size);
}

/** Reading from the API for as long as a component is shown. */
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { get, problemOf } from "../api.ts";
import type { ProblemDocument } from "../documents.ts";

export interface Loaded<T> {
  /** Null until the first answer; kept while it is read again. */
  readonly data: Signal<T | null>;
  readonly problem: Signal<ProblemDocument | null>;
  readonly reload: () => void;
}

/** Reads `GET /api/v1` and this path, again when the path changes; with null nothing. With `everyMs` also again and again. */
export function useGet<T>(path: string | null, everyMs?: number): Loaded<T> {
  const data = useSignal<T | null>(null);
  const problem = useSignal<ProblemDocument | null>(null);
  const turn = useSignal(0);
  const shownPath = useRef<string | null>(null);
  const asked = useSignal(path);
  asked.value = path;

  useSignalEffect(() => {
    void turn.value;
    const wanted = asked.value;
    if (shownPath.current !== wanted) {
      shownPath.current = wanted;
      data.value = null;
      problem.value = null;
    }
    if (wanted === null) return undefined;
    const aborter = new AbortController();
    const read = async (): Promise<void> => {
      try {
        data.value = await get<T>(wanted, aborter.signal);
        problem.value = null;
      } catch (error) {
        if (!aborter.signal.aborted) problem.value = problemOf(error);
      }
    };
    void read();
    return () => aborter.abort();
  });
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = window.setInterval(() => {
      if (!document.hidden) turn.value += 1;
    }, everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs, turn]);
  return { data, problem, reload: () => (turn.value += 1) };
}

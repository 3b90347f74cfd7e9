/**
 * Numbers of urgent things for every page: causes of failures in the last hour, runs that wait for
 * a person, dead letters. The navigation and the title of the tab show the numbers.
 *
 * API calls, every twenty seconds while the page is visible:
 * - `GET /failures` and `GET /runs/statistics` of the last hour.
 * - `GET /dead-letters`: the newest.
 */
import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { DeadLetterPage } from "../../contract/dead-letters.ts";
import type { Failures, RunStatistics } from "../../contract/statistics.ts";
import { get } from "../api.ts";
import { causesOf } from "../causes.ts";
import { sinceOf } from "../routes.ts";
import { serverNow } from "./clock.ts";

/** The numbers behind the badges. */
export interface Attention {
  /** Causes of failures in the last hour. */
  readonly causes: number;
  /** Runs in which something waits for a person or another system. */
  readonly approvals: number;
  readonly deadLetters: number;
}

/** The interval between reads. */
const REFRESH_MS = 20_000;
const FIRST_MS = 600;
const NONE: Attention = { causes: 0, approvals: 0, deadLetters: 0 };

/** The latest numbers. */
export const attention = signal<Attention>(NONE);

/** The number in the title of the tab. */
export const urgentCount = computed(() => attention.value.causes + attention.value.approvals);

/** Reads the numbers now. A failed read leaves them as they were. */
export async function readAttention(): Promise<void> {
  const since = encodeURIComponent(sinceOf("1h", serverNow()));
  try {
    const [failures, statistics, letters] = await Promise.all([
      get<Failures>(`/failures?since=${since}`),
      get<RunStatistics>(`/runs/statistics?since=${since}`),
      get<DeadLetterPage>("/dead-letters?limit=50"),
    ]);
    attention.value = {
      causes: causesOf(failures.groups).length,
      approvals: waitingForPeople(statistics),
      deadLetters: letters.dead_letters.length,
    };
  } catch {
    // The page itself shows what is wrong with the worker.
  }
}

/** The number of runs in which something waits to be completed. */
export function waitingForPeople({ tasks }: RunStatistics): number {
  return tasks.reduce((sum, { waiting }) => sum + waiting.completion, 0);
}

/** Reads the numbers again and again while the component is shown. */
export function useAttention(isLoggedIn: boolean): void {
  useEffect(() => {
    if (!isLoggedIn) return undefined;
    // The page itself reads first.
    const first = window.setTimeout(() => void readAttention(), FIRST_MS);
    const timer = window.setInterval(() => {
      if (!document.hidden) void readAttention();
    }, REFRESH_MS);
    return () => {
      window.clearTimeout(first);
      window.clearInterval(timer);
      attention.value = NONE;
    };
  }, [isLoggedIn]);
}

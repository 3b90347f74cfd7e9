/**
 * The times of the items of a task with `each`, for its row in the timeline.
 *
 * API calls:
 * - `GET /runs/ID/tasks/TASK/items`: all pages, one after another; again while items run.
 */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ItemPage } from "../../contract/run-items.ts";
import { get } from "../api.ts";
import { serverNow } from "../live/clock.ts";
import type { RunModel } from "../live/run-model.ts";
import type { ItemSpan } from "../time-axis.ts";

/** The number of items in a read. */
const PAGE = 200;
/** The delay of a new read while items run, for each page that was read. */
const REREAD_MS = 3_000;

/** Reads the spans of all items while the row is shown. They grow page by page. */
export function useItemSpans(model: RunModel, task: string): Signal<readonly ItemSpan[]> {
  const spans = useSignal<readonly ItemSpan[]>([]);
  useEffect(() => {
    const aborter = new AbortController();
    let timer: number | undefined;
    const read = async (): Promise<void> => {
      const found: ItemSpan[] = [];
      let pages = 0;
      let cursor: string | null = null;
      do {
        const query = new URLSearchParams({ limit: String(PAGE) });
        if (cursor !== null) query.set("cursor", cursor);
        const path = `/runs/${encodeURIComponent(model.runId)}/tasks/${encodeURIComponent(task)}/items?${query}`;
        const page: ItemPage = await get<ItemPage>(path, aborter.signal);
        for (const { attempts } of page.items) found.push(...attempts.flatMap(spanOf));
        cursor = page.next_cursor;
        pages += 1;
        if (found.length > spans.peek().length || cursor === null) spans.value = [...found];
      } while (cursor !== null);
      if (model.task(task)?.peek().status === "running")
        timer = window.setTimeout(() => void read().catch(() => {}), REREAD_MS * pages);
    };
    // The bar then shows the time without its density; the panel shows why a read fails.
    read().catch(() => {});
    return () => {
      aborter.abort();
      window.clearTimeout(timer);
    };
  }, [model, task, spans]);
  return spans;
}

/** The span of an attempt. A running attempt ends now. */
function spanOf({
  status,
  started_at,
  finished_at,
}: ItemPage["items"][number]["attempts"][number]) {
  const isFailed = status === "failed" || status === "timed_out" || status === "lost";
  const to = finished_at === null ? serverNow() : Date.parse(finished_at);
  return [{ from: Date.parse(started_at), to, isFailed }];
}

/**
 * Retries or cancels many runs. The dialog counts the runs first, and acts only after confirmation.
 *
 * API calls:
 * - `POST /runs/retry` or `/runs/cancel` with `dry_run=true`: the count.
 * - The same call without it, page by page: the action.
 *
 * Both have the same filters and `created_before`, so the action changes no run that the count has
 * not seen.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { RunStatus } from "../../domain/statuses.ts";
import { post, problemOf } from "../api.ts";
import type { BulkResult } from "../../contract/bulk.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { formatCount, formatPlural } from "../format.ts";
import { serverNow } from "../live/clock.ts";
import { ActionButton } from "../parts/button.tsx";
import { Dialog, DialogFoot } from "../parts/dialog.tsx";
import { Loading, Problem } from "../parts/states.tsx";
import { tell } from "../parts/toasts.tsx";
import { filtersToApi, type RunFilters } from "../routes.ts";

/** The action. */
export type BulkVerb = "retry" | "cancel";

/** Texts of the dialog by action. */
const WORDS = {
  retry: {
    title: "Retry many runs",
    done: "retried",
    none: "No run like that has failed or was cancelled.",
  },
  cancel: {
    title: "Cancel many runs",
    done: "cancelled",
    none: "No run like that is queued or running.",
  },
} as const;

/** The statuses that an action applies to. */
const STATUSES: Readonly<Record<BulkVerb, readonly RunStatus[]>> = {
  retry: ["failed", "cancelled"],
  cancel: ["queued", "running"],
};

/** The number of runs that a call changes. The dialog shows the progress after each call. */
const AT_ONCE = 100;
/**
 * The maximum number of calls for the count: at most 10,000 runs are counted, then the count is
 * shown with a `+`.
 */
const MOST_COUNTED_PAGES = 20;

/** Properties of the dialog. */
export interface BulkDialogProps {
  readonly verb: BulkVerb;
  /** The filters of the list behind the dialog. */
  readonly filters: RunFilters;
  readonly onClose: () => void;
  /** Called after the runs were changed. */
  readonly onDone: () => void;
}

/**
 * Acts on the runs of the list's filters, restricted to statuses that the action applies to.
 * Without a status filter, a retry takes failed runs only: cancelled ones were stopped on purpose.
 */
export function BulkDialog({ verb, filters, onClose, onDone }: BulkDialogProps): JSX.Element {
  const found = useSignal<{ readonly matched: number; readonly isMore: boolean } | null>(null);
  const progress = useSignal<number | null>(null);
  const problem = useSignal<ShownProblem | null>(null);
  const { title, done, none } = WORDS[verb];
  const chosen = STATUSES[verb].filter((status) => filters.statuses.includes(status));
  const defaults = verb === "retry" ? STATUSES.retry.slice(0, 1) : STATUSES.cancel;
  const path = useMemo(() => {
    // Only runs created before the dialog was opened: no run is changed that was not counted.
    const now = serverNow();
    const meant = {
      ...filters,
      idempotencyKey: null,
      statuses: chosen.length > 0 ? chosen : defaults,
      to: filters.to ?? new Date(now).toISOString(),
    };
    return `/runs/${verb}?${filtersToApi(meant, now)}`;
  }, [verb]);

  useEffect(() => {
    count(path).then(
      (counted) => (found.value = counted),
      (error: unknown) => (problem.value = problemOf(error)),
    );
  }, [path, found, problem]);

  // Changes the runs call by call and shows the number so far. A failed call stops the loop; runs
  // changed before it stay changed.
  const act = async (): Promise<void> => {
    let changed = 0;
    let refused = 0;
    for await (const page of pagesOf(`${path}&limit=${AT_ONCE}`)) {
      changed += page.changed;
      refused += page.matched - page.changed;
      progress.value = changed;
    }
    onClose();
    onDone();
    tell(
      `${formatPlural(changed, "run")} ${done}${refused === 0 ? "" : `, ${formatCount(refused)} refused`}.`,
    );
  };
  const counted = found.value;
  const text =
    counted === null ? "" : `${formatCount(counted.matched)}${counted.isMore ? "+" : ""}`;
  return (
    <Dialog title={title} onClose={onClose}>
      <p class="muted">{describe(filters, chosen.length > 0 ? chosen : defaults)}</p>
      {problem.value !== null ? (
        <Problem problem={problem.value} />
      ) : counted === null ? (
        <Loading lines={2} label="the count" />
      ) : (
        <p class="bulk-count">
          {counted.matched === 0 ? (
            none
          ) : (
            <>
              <strong>{text}</strong> {counted.matched === 1 ? "run" : "runs"} will be {done}.
            </>
          )}
        </p>
      )}
      <DialogFoot keep="Close" onClose={onClose}>
        <ActionButton
          tone={verb === "cancel" ? "danger" : "main"}
          disabled={counted === null || counted.matched === 0}
          action={act}
        >
          {progress.value !== null
            ? `${formatCount(progress.value)} ${done}…`
            : `${verb === "retry" ? "Retry" : "Cancel"} ${text} ${counted?.matched === 1 ? "run" : "runs"}`}
        </ActionButton>
      </DialogFoot>
    </Dialog>
  );
}

/** Counts the runs by dry runs, which change nothing. Stops after a limited number of calls. */
async function count(
  path: string,
): Promise<{ readonly matched: number; readonly isMore: boolean }> {
  let matched = 0;
  let pages = 0;
  for await (const { runs, next_cursor } of pagesOf(`${path}&dry_run=true&limit=500`)) {
    matched += runs.filter(({ result }) => result !== "refused").length;
    pages += 1;
    if (next_cursor !== null && pages === MOST_COUNTED_PAGES) return { matched, isMore: true };
  }
  return { matched, isMore: false };
}

/** Calls the path page by page. A page that is not asked for changes nothing. */
async function* pagesOf(path: string): AsyncGenerator<BulkResult> {
  let cursor: string | null = "";
  while (cursor !== null) {
    const at: string = cursor === "" ? path : `${path}&cursor=${encodeURIComponent(cursor)}`;
    const page: BulkResult = await post<BulkResult>(at);
    yield page;
    cursor = page.next_cursor;
  }
}

/** The statuses as parts of a sentence. */
const WORD_OF: Readonly<Record<RunStatus, string>> = {
  queued: "are queued",
  running: "are running",
  succeeded: "have succeeded",
  failed: "have failed",
  cancelled: "were cancelled",
};

/** Describes the filters as a sentence. */
function describe(filters: RunFilters, statuses: readonly RunStatus[]): string {
  const { task, source, span, failure, error, failedTask, from, to, tags, late } = filters;
  const words = statuses.map((status) => WORD_OF[status]);
  const parts = [
    `Runs of ${task ?? "all pipelines"} that ${words.join(" or ")}`,
    ...(late === null ? [] : [late ? "that are late" : "that are not late"]),
    ...(tags.length === 0 ? [] : [`tagged ${tags.join(" and ")}`]),
    ...(failure === null ? [] : [`with ${failure}`]),
    ...(error === null ? [] : [`with "${error}" in the error`]),
    ...(failedTask === null ? [] : [`first in ${failedTask}`]),
    ...(from === null && to === null ? [] : ["created in the chosen interval"]),
    ...(source === null ? [] : [`triggered by ${source}`]),
    ...(span === null ? [] : [`of the last ${span}`]),
  ];
  return `${parts.join(", ")}.`;
}

/**
 * The rows of the list of runs, with check boxes, and the actions on the chosen ones.
 *
 * Keys: `j` and `k` go to the next and previous row, `x` chooses it, `r` retries and `c` cancels
 * the chosen runs or the row, `v` compares two chosen runs.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { RunSummary } from "../../contract/run-lists.ts";
import { formatDuration, formatPlural, shortId } from "../format.ts";
import { isTyping } from "../keys.tsx";
import { navigate } from "../location.ts";
import { Button } from "../parts/button.tsx";
import { LateMark, StatusPill } from "../parts/status.tsx";
import { Table } from "../parts/table.tsx";
import { Duration, Time } from "../parts/time.tsx";
import { comparePath, runPath } from "../routes.ts";
import type { BulkVerb } from "../run/bulk-dialog.tsx";
import { mayOperate } from "../session.ts";
import { ChosenRunsDialog } from "./chosen-runs-dialog.tsx";

/**
 * Shows the runs with a check box each. A bar with actions appears above the table as soon as a run
 * is chosen.
 *
 * The choice survives a refresh of the list. A chosen run that leaves the list, because a filter no
 * longer matches, is not acted on.
 */
export function RunTable({
  runs,
  onChanged,
}: {
  readonly runs: readonly RunSummary[];
  /** Called after an action on some of the runs. */
  readonly onChanged: () => void;
}): JSX.Element {
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const action = useSignal<{
    readonly verb: BulkVerb;
    readonly runs: readonly RunSummary[];
  } | null>(null);
  const place = useRef<HTMLDivElement>(null);
  /** Adds a run to the choice, or removes the run. */
  const toggle = (id: string): void => {
    const next = new Set(chosen.value);
    if (!next.delete(id)) next.add(id);
    chosen.value = next;
  };
  // The chosen runs in the order of the list. An id of a run that the list has lost is ignored.
  const shown = runs.filter(({ run_id }) => chosen.value.has(run_id));
  /** Opens the dialog for the chosen runs, or for the focused row if none is chosen. */
  const act = (verb: BulkVerb, focused: RunSummary | undefined): void => {
    const meant = shown.length > 0 ? shown : focused === undefined ? [] : [focused];
    if (meant.length > 0 && mayOperate()) action.value = { verb, runs: meant };
  };
  /** Compares the first two chosen runs. Does nothing with fewer. */
  const compare = (): void => {
    // The older run stands on the left.
    const [newer, older] = shown;
    if (newer !== undefined && older !== undefined)
      navigate(comparePath(newer.run_id, older.run_id));
  };
  useRowKeys(place, (key, row) => {
    const focused = runs[row];
    if (key === "x" && focused !== undefined) toggle(focused.run_id);
    else if (key === "r") act("retry", focused);
    else if (key === "c") act("cancel", focused);
    else if (key === "v") compare();
  });
  const areAll = runs.length > 0 && shown.length === runs.length;
  return (
    <div ref={place}>
      {shown.length > 0 && (
        <div class="chosen-bar" role="region" aria-label="Chosen runs">
          <b>{formatPlural(shown.length, "run")} chosen</b>
          {mayOperate() && (
            <>
              <Button icon="retry" style="button-small" onClick={() => act("retry", undefined)}>
                Retry
              </Button>
              <Button icon="ban" style="button-small" onClick={() => act("cancel", undefined)}>
                Cancel
              </Button>
            </>
          )}
          {shown.length === 2 && (
            <Button icon="compare" style="button-small" onClick={compare}>
              Compare
            </Button>
          )}
          <button type="button" class="link-button" onClick={() => (chosen.value = new Set())}>
            Choose none
          </button>
        </div>
      )}
      <Table
        label="Runs"
        columns={columnsOf(
          areAll,
          () => (chosen.value = new Set(areAll ? [] : runs.map(({ run_id }) => run_id))),
        )}
        style="runs"
      >
        {runs.map((run) => (
          <RunRow
            key={run.run_id}
            run={run}
            isChosen={chosen.value.has(run.run_id)}
            onToggle={toggle}
          />
        ))}
      </Table>
      {action.value !== null && (
        <ChosenRunsDialog
          {...action.value}
          onClose={() => (action.value = null)}
          onDone={() => {
            chosen.value = new Set();
            onChanged();
          }}
        />
      )}
    </div>
  );
}

/**
 * Handles the keys of the rows while the table is shown. `onKey` receives the number of the focused
 * row, or -1 without a focused row.
 *
 * Keys in a text field or together with Ctrl, Cmd or Alt belong to the field or the browser.
 */
function useRowKeys(
  place: { readonly current: HTMLElement | null },
  onKey: (key: string, row: number) => void,
): void {
  // The listener stays in place over renderings. The reference gives it the newest `onKey`.
  const handler = useRef(onKey);
  handler.current = onKey;
  // At once, not after the next frame: a letter typed at the first rows would be lost.
  useLayoutEffect(() => {
    let hasGone = false;
    /** Moves the focus by `j` and `k`, and passes other keys on. */
    const press = (event: KeyboardEvent): void => {
      // The key behind `g` goes to a page.
      const isPlace = hasGone;
      hasGone = event.key === "g";
      if (isPlace || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target))
        return;
      const links = [...(place.current?.querySelectorAll<HTMLElement>(".row-link") ?? [])];
      const row = links.findIndex((link) => link.closest("tr")?.contains(document.activeElement));
      if (event.key === "j") links[Math.min(row + 1, links.length - 1)]?.focus();
      else if (event.key === "k") links[Math.max(row - 1, 0)]?.focus();
      else handler.current(event.key, row);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [place]);
}

/**
 * Makes the columns of the table. The head of the first column is a check box that chooses all
 * shown runs, or none.
 */
function columnsOf(areAll: boolean, onToggle: () => void): Parameters<typeof Table>[0]["columns"] {
  return [
    [
      <input
        key="all"
        type="checkbox"
        aria-label="Choose all shown runs"
        checked={areAll}
        onChange={onToggle}
      />,
      "cell-check",
    ],
    "Status",
    "Pipeline",
    "Run",
    "Triggered by",
    "Created",
    ["Duration", "right"],
  ];
}

/**
 * Reasons for which a run does not continue although it has not ended, in the words of the list.
 */
const PROBLEMS = {
  run_unreadable: "cannot be read",
  awaits_deploy: "waits for newer code",
} as const satisfies Record<NonNullable<RunSummary["problem"]>, string>;

/** Kinds of waits in words. */
const WAITS = {
  completion: "to be completed",
  run: "for another run",
  time: "for a later attempt",
} as const;

/**
 * Shows a run with its error, or with what the run waits for. The duration of an unfinished run
 * grows with the clock.
 *
 * The name links to the failed task rather than to the run alone, since the error is what a reader
 * wants to see.
 */
function RunRow({
  run,
  isChosen,
  onToggle,
}: {
  readonly run: RunSummary;
  readonly isChosen: boolean;
  readonly onToggle: (id: string) => void;
}): JSX.Element {
  const [wait] = run.waiting ?? [];
  return (
    <tr class={`run-row ${isChosen ? "is-chosen" : ""}`}>
      <td class="cell-check">
        <input
          type="checkbox"
          aria-label={`Choose the run ${shortId(run.run_id)} of ${run.task}`}
          checked={isChosen}
          onChange={() => onToggle(run.run_id)}
        />
      </td>
      <td>
        <StatusPill status={wait === undefined ? run.status : "waiting"} />
        {run.late === true && <LateMark />}
      </td>
      <td class="cell-task">
        <a class="row-link" href={runPath(run.run_id, run.error?.task)}>
          {run.task}
        </a>
        <RowTags tags={run.tags ?? []} />
        <RowNote run={run} />
        {wait !== undefined && (
          <span class="wait-note ellipsis">
            {wait.task} waits {WAITS[wait.for]}, {wait.for === "time" ? "" : "ends "}
            <Time at={wait.until} />
          </span>
        )}
      </td>
      <td>
        <code title={run.run_id}>{shortId(run.run_id)}</code>
      </td>
      <td>
        <span class="tag">{run.source}</span> <span class="muted by ellipsis">{run.by}</span>
      </td>
      <td>
        <Time at={run.created_at} />
      </td>
      <td class="right number">
        {run.duration_ms === null ? (
          <Duration from={run.started_at} to={run.finished_at} />
        ) : (
          <span title="At work in the last round, without waits">
            {formatDuration(run.duration_ms)}
          </span>
        )}
      </td>
    </tr>
  );
}

/** The number of tags that a row shows. */
const MOST_TAGS = 3;

/** Shows the first tags of a run beside its name; the tooltip has all of them. */
function RowTags({ tags }: { readonly tags: readonly string[] }): JSX.Element | null {
  if (tags.length === 0) return null;
  return (
    <span class="row-tags" title={tags.join(", ")}>
      {tags.slice(0, MOST_TAGS).map((tag) => (
        <span key={tag} class="tag ellipsis">
          {tag}
        </span>
      ))}
      {tags.length > MOST_TAGS && <span class="muted">+{tags.length - MOST_TAGS}</span>}
    </span>
  );
}

/**
 * Shows the error of a failed run, or why a run does not go on; nothing for a run in order. The
 * text is cut to the width of the column, and the tooltip has the whole text.
 */
function RowNote({ run: { error, failed_tasks, problem } }: { readonly run: RunSummary }) {
  const text =
    problem !== undefined
      ? PROBLEMS[problem]
      : error !== null
        ? `${error.task}: ${error.name === "Error" ? "" : `${error.name}: `}${error.message}`
        : failed_tasks.length > 0
          ? `${failed_tasks.join(", ")} failed`
          : null;
  return text === null ? null : (
    <span class="failed-note ellipsis" title={text}>
      {text}
    </span>
  );
}

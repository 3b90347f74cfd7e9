/**
 * A cause of failures: the error, since when and since which deploy, the pipelines that it hits,
 * and a retry of all of its runs.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { beganWith, type Cause } from "../causes.ts";
import { formatClock, formatCount, formatPlural } from "../format.ts";
import { now } from "../live/clock.ts";
import {
  comparePath,
  NO_FILTERS,
  pipelinePath,
  type RunFilters,
  runPath,
  runsPath,
} from "../routes.ts";
import { BulkDialog } from "../run/bulk-dialog.tsx";
import { mayOperate } from "../session.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";
import { Time } from "./time.tsx";

/** The number of pipelines that a card names; the rest is a number. */
const SHOWN_PIPELINES = 6;

/**
 * Shows a cause as a card, with everything for the first decision: how many runs, since when, with
 * which deploy, and which pipelines.
 *
 * - Retry opens a dialog that counts the runs again, since more may have failed by then.
 * - Show the runs leads to the list of exactly these runs.
 * - The links lead to the newest failed run, and to a comparison with the last good run before.
 */
export function CauseCard({
  cause,
  filters,
  onRetried,
}: {
  readonly cause: Cause;
  /** Filters that narrow the runs of the cause down, by time or task. */
  readonly filters: Partial<RunFilters>;
  /** Called after a retry, so that the page reads the causes again. */
  readonly onRetried: () => void;
}): JSX.Element {
  const isRetrying = useSignal(false);
  const ofCause: RunFilters = {
    ...NO_FILTERS,
    ...filters,
    statuses: ["failed"],
    failure: cause.failure,
  };
  const { pipelines, tasks } = cause;
  return (
    <article class="cause" aria-label={cause.failure}>
      <div class="cause-count">
        <strong>{formatCount(cause.count)}</strong>
        <span>{cause.count === 1 ? "run" : "runs"}</span>
      </div>
      <div class="cause-body">
        <h3 class="cause-error" title={cause.exampleMessage}>
          <span class="cause-name">{cause.name}</span> {cause.message}
        </h3>
        <p class="cause-facts">
          <Since cause={cause} />
          <span>
            newest <Time at={cause.last} />
          </span>
          <span title={tasks.join(", ")}>
            in <b>{tasks.length <= 2 ? tasks.join(" and ") : formatPlural(tasks.length, "task")}</b>
          </span>
        </p>
        <ul class="cause-hits" aria-label="Pipelines that it hits">
          <li class="muted">{formatPlural(pipelines.length, "pipeline")}</li>
          {pipelines.slice(0, SHOWN_PIPELINES).map(({ task, count }) => (
            <li key={task}>
              <a class="tag" href={pipelinePath(task)}>
                {task} <span class="muted">{formatCount(count)}</span>
              </a>
            </li>
          ))}
          {pipelines.length > SHOWN_PIPELINES && (
            <li class="muted">and {pipelines.length - SHOWN_PIPELINES} more</li>
          )}
        </ul>
      </div>
      <div class="cause-actions">
        {mayOperate() && (
          <Button icon="retry" style="button-main" onClick={() => (isRetrying.value = true)}>
            Retry {formatPlural(cause.count, "run")}
          </Button>
        )}
        <a class="button" href={runsPath(ofCause)}>
          Show the runs
        </a>
        <span class="cause-links">
          <a href={runPath(cause.example, tasks[0])}>newest error</a>
          {cause.lastGood !== null && (
            <a href={comparePath(cause.example, cause.lastGood.run_id)}>
              compare with the last good run
            </a>
          )}
        </span>
      </div>
      {isRetrying.value && (
        <BulkDialog
          verb="retry"
          filters={ofCause}
          onClose={() => (isRetrying.value = false)}
          onDone={onRetried}
        />
      )}
    </article>
  );
}

/**
 * Says since when the cause exists, and which deploy began it: the version of the first failure, if
 * the last good run had another one. With one version throughout, no deploy explains the failure.
 */
function Since({ cause }: { readonly cause: Cause }): JSX.Element {
  const version = beganWith(cause);
  return (
    <span class="cause-since">
      <Icon name="clock" size={12} /> since{" "}
      <b title={cause.first}>{formatClock(Date.parse(cause.first), now.value)}</b>
      {version !== null ? (
        <>
          , with the deploy <code>{version.slice(0, 8)}</code>
        </>
      ) : cause.versions.length === 1 ? (
        ", no deploy in between"
      ) : null}
    </span>
  );
}

/**
 * A cause of failures: the error, since when and since which deploy, the pipelines that it hits, and
 * a retry of all of its runs.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { beganWith, type Cause } from "../causes.ts";
import { formatClock, formatPlural } from "../format.ts";
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

/** Pipelines that a card names; more are a number. */
const SHOWN_PIPELINES = 6;

/** Shows a cause. `filters` narrow its runs down, by time or task. */
export function CauseCard({
  cause,
  filters,
  onRetried,
}: {
  readonly cause: Cause;
  readonly filters: Partial<RunFilters>;
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
        <strong>{cause.count}</strong>
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
                {task} <span class="muted">{count}</span>
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

/** Since when, and with which version of peach.conf it began, if that was a new one. */
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

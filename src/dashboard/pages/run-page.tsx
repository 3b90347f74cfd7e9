/**
 * The page of a run: status, graph, the views below it, and the panel of the open task.
 *
 * API calls:
 * - `GET /runs/ID` and its stream `/runs/ID/events`, by live/run-model.ts.
 * - `POST /runs/ID/retry`: repeats the failed tasks of the run.
 * - `POST /runs/ID/cancel`: stops the run, after a question.
 * - `GET /runs/ID/payload`: for the curl command.
 *
 * Query parameters: `task` is the open task; its panel adds `tab`, `items` and `item`. `view` is
 * the open view, and `line` the open line of a log.
 */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { getBytes, payloadPath, post } from "../api.ts";
import { curlOf } from "../curl.ts";
import type { RunDocument } from "../../contract/run.ts";
import { formatCount, formatDuration, formatPlural } from "../format.ts";
import { type RunHead, RunModel } from "../live/run-model.ts";
import { query } from "../location.ts";
import { ActionButton, Button, CopyButton, copyText } from "../parts/button.tsx";
import { Dialog, DialogFoot } from "../parts/dialog.tsx";
import { Fact } from "../parts/fact.tsx";
import { LiveMark } from "../parts/live-mark.tsx";
import { usePageTitle } from "../parts/page-title.ts";
import { SideHandle, sideWidth } from "../parts/side-width.tsx";
import { viewerOf } from "../parts/payload-kind.ts";
import { Loading, Problem } from "../parts/states.tsx";
import { LateMark, StatusPill } from "../parts/status.tsx";
import { Duration, Time } from "../parts/time.tsx";
import { tell } from "../parts/toasts.tsx";
import { runPath, runsPath } from "../routes.ts";
import { ReplayDialog } from "../run/replay-dialog.tsx";
import { actorText } from "../run/actor-text.ts";
import { RunGraph } from "../run/run-graph.tsx";
import { RunViews } from "../run/run-views.tsx";
import { TaskPanel } from "../run/task-panel.tsx";
import { mayOperate } from "../session.ts";
import { isFinal, timelineOf } from "../timeline.ts";

/** Shows a run and follows it live. The open task is in the URL, so that a link to a task works. */
export function RunPage({ runId }: { readonly runId: string }): JSX.Element {
  const model = useMemo(() => new RunModel(runId), [runId]);
  const replayFrom = useSignal<{ readonly from: string | null } | null>(null);
  const isCancelling = useSignal(false);
  useEffect(() => () => model.close(), [model]);
  const head = model.head.value;
  const chosen = query.value.get("task");
  usePageTitle(head === null ? runId : `${head.task}, ${head.status}`);
  if (head === null)
    return model.problem.value === null ? (
      <Loading lines={10} label="the run" />
    ) : (
      <Problem problem={model.problem.value} onRetry={() => void model.refresh()} />
    );
  return (
    <div
      class={`run-page ${chosen === null ? "" : "has-panel"}`}
      style={{ "--side": `${sideWidth.value}%` }}
    >
      <div class="run-main">
        <RunHeader
          head={head}
          model={model}
          onReplay={() => (replayFrom.value = { from: null })}
          onCancel={() => (isCancelling.value = true)}
        />
        {model.problem.value !== null && <Problem problem={model.problem.value} />}
        <section class="card" aria-label="Graph">
          <RunGraph model={model} chosen={chosen} />
        </section>
        <section class="card" aria-label="About the run">
          <RunViews model={model} chosen={chosen} />
        </section>
      </div>
      {chosen !== null && <SideHandle />}
      {chosen !== null && (
        <TaskPanel
          key={chosen}
          model={model}
          name={chosen}
          onReplayFrom={
            mayOperate() && isFinal(head.status)
              ? () => (replayFrom.value = { from: chosen })
              : null
          }
        />
      )}
      {replayFrom.value !== null && (
        <ReplayDialog
          runId={runId}
          task={head.task}
          tasks={model.tasks.value}
          from={replayFrom.value.from}
          onClose={() => (replayFrom.value = null)}
        />
      )}
      {isCancelling.value && (
        <CancelDialog model={model} head={head} onClose={() => (isCancelling.value = false)} />
      )}
    </div>
  );
}

/** Properties of the header. The callbacks open dialogs. */
interface HeaderProps {
  readonly head: RunHead;
  readonly model: RunModel;
  readonly onReplay: () => void;
  readonly onCancel: () => void;
}

/**
 * The status and the actions. Each action is shown only where the status and the session's scopes
 * allow it.
 */
function RunHeader({ head, model, onReplay, onCancel }: HeaderProps): JSX.Element {
  const path = `/runs/${encodeURIComponent(head.run_id)}`;
  const final = isFinal(head.status);
  // A retry repeats failed tasks, so a run that succeeded has nothing to retry.
  const isRetryable = final && head.status !== "succeeded";
  const isCancelled = head.status === "cancelled";
  /** Repeats the failed tasks in the same run and shows the answer at once. */
  const retry = async (): Promise<void> => {
    model.show(await post<RunDocument>(`${path}/retry`));
    tell(isCancelled ? "The run goes on." : "What failed runs again.");
  };
  return (
    <header class="run-head">
      <p class="crumbs">
        <a href="/dashboard/runs">Runs</a> <span aria-hidden="true">/</span>{" "}
        <a href={runsPath({ task: head.task })}>{head.task}</a>
      </p>
      <div class="title-row">
        <h1 class="ellipsis">{head.task}</h1>
        <StatusPill status={head.status} />
        {head.late && <LateMark />}
        {!final && <LiveMark connection={model.connection.value} />}
        <span class="spacer" />
        <div class="actions">
          {!final && mayOperate() && (
            <Button icon="ban" style="button-danger" onClick={onCancel}>
              Cancel
            </Button>
          )}
          {isRetryable && mayOperate() && (
            <ActionButton icon="retry" tone="main" action={retry}>
              {isCancelled ? "Go on with the run" : "Retry what failed"}
            </ActionButton>
          )}
          {mayOperate() && (
            <Button icon="edit" onClick={onReplay}>
              Replay…
            </Button>
          )}
          <ActionButton icon="copy" action={async () => copyText(await curlOfRun(head))}>
            Copy as curl
          </ActionButton>
        </div>
      </div>
      <Facts head={head} model={model} />
    </header>
  );
}

/**
 * The origin and duration of a run, with links to related runs. At most twelve child runs are
 * linked, since a run may have thousands.
 */
function Facts({ head, model }: { readonly head: RunHead; readonly model: RunModel }): JSX.Element {
  const { trigger, children } = head;
  // The time until a user retried the run is no time of the run.
  const idle = useComputed(() => {
    const run = model.document();
    if (run === null || run.finished_at === null) return 0;
    return timelineOf(run, 0).breaks.reduce((sum, { from, to }) => sum + to - from, 0);
  }).value;
  return (
    <dl class="facts">
      <Fact name="Run">
        <code class="run-id">{head.run_id}</code>{" "}
        <CopyButton text={head.run_id} label="Copy the run's id" />
      </Fact>
      <Fact name="Triggered">
        <Time at={head.created_at} /> by <span class="tag">{trigger.source}</span>{" "}
        <span class="ellipsis">{trigger.by}</span>
      </Fact>
      <Fact name="Duration">
        {idle === 0 ? (
          <Duration from={head.started_at} to={head.finished_at} />
        ) : (
          <>
            {formatDuration(spanOf(head) - idle)}{" "}
            <span class="muted">and {formatDuration(idle)} until it was retried</span>
          </>
        )}
      </Fact>
      {head.finished_at !== null && head.started_at !== null && (
        <Fact name="All attempts">
          <span title="Of all rounds; attempts side by side count each">
            {formatDuration(head.work_ms)} at work{head.waited_ms > 0 && ", "}
          </span>
          {head.waited_ms > 0 && (
            <span class="muted" title="For limits, pauses, deploys, approvals and other runs">
              {formatDuration(head.waited_ms)} waited
            </span>
          )}
        </Fact>
      )}
      {head.rounds > 1 && (
        <Fact name="Rounds">
          {formatCount(head.rounds)} <span class="muted">{retriesText(head.history)}</span>
        </Fact>
      )}
      {head.tags.length > 0 && (
        <Fact name="Tags" style="children">
          {head.tags.map((tag) => (
            <a key={tag} class="tag" href={runsPath({ tags: [tag] })}>
              {tag}
            </a>
          ))}
        </Fact>
      )}
      {trigger.parent !== null && (
        <Fact name="Parent">
          <a href={runPath(trigger.parent.run_id, trigger.parent.task)}>{trigger.parent.task}</a>
        </Fact>
      )}
      {trigger.replay_of && (
        <Fact name="Replay of">
          <a href={runPath(trigger.replay_of.run_id)}>a run</a>
          {trigger.replay_of.from !== null && <> from {trigger.replay_of.from}</>}
        </Fact>
      )}
      {children.length > 0 && (
        <Fact name={formatPlural(children.length, "child run")} style="children">
          {children.slice(0, 12).map(({ run_id, task }) => (
            <a key={run_id} class="tag" href={runPath(run_id)}>
              {task}
            </a>
          ))}
          {children.length > 12 && <span class="muted">and {children.length - 12} more</span>}
        </Fact>
      )}
    </dl>
  );
}

/** The time from the start of a run to its end, in milliseconds. Zero for a run that has no end. */
function spanOf({ started_at, finished_at }: RunHead): number {
  return started_at === null || finished_at === null
    ? 0
    : Date.parse(finished_at) - Date.parse(started_at);
}

/** Names the user of the last retry; empty without a name. */
function retriesText(history: RunHead["history"]): string {
  const last = history.findLast(({ what }) => what === "retried");
  return last === undefined || last.by === null ? "" : `retried by ${actorText(last.by)}`;
}

/** Asks before a run is cancelled. Child runs are included by default if there are any. */
function CancelDialog({
  model,
  head,
  onClose,
}: {
  readonly model: RunModel;
  readonly head: RunHead;
  readonly onClose: () => void;
}): JSX.Element {
  const withChildren = useSignal(head.children.length > 0);
  /** Cancels the run. The answer is the cancelled run, so the page needs no other read. */
  const cancel = async (): Promise<void> => {
    const query = withChildren.value ? "?children=true" : "";
    model.show(await post<RunDocument>(`/runs/${encodeURIComponent(head.run_id)}/cancel${query}`));
    onClose();
    tell("The run is cancelled.");
  };
  return (
    <Dialog title="Cancel this run?" onClose={onClose}>
      <p>What runs is told to end; what has not started never will. What has succeeded stays.</p>
      <label class="check">
        <input
          type="checkbox"
          checked={withChildren.value}
          onChange={(event) => (withChildren.value = event.currentTarget.checked)}
        />
        Also the runs that it triggered, and theirs
      </label>
      <DialogFoot keep="Keep it running" onClose={onClose}>
        <ActionButton tone="danger" icon="ban" action={cancel}>
          Cancel the run
        </ActionButton>
      </DialogFoot>
    </Dialog>
  );
}

/**
 * Renders the trigger of a run as a curl command. The payload is included if it is text of at most
 * 32 KiB; otherwise the command reads a file.
 */
async function curlOfRun(head: RunHead): Promise<string> {
  const call = {
    method: "POST",
    origin: location.origin,
    path: `/api/v1/tasks/${encodeURIComponent(head.task)}/trigger`,
  } as const;
  const response = await getBytes(
    payloadPath(head.run_id, null),
    MAX_CURL_BYTES + 1,
    AbortSignal.timeout(10_000),
  );
  const contentType = response.headers.get("Content-Type") ?? "application/octet-stream";
  const viewer = viewerOf(contentType);
  if (viewer !== "json" && viewer !== "text")
    return curlOf({ ...call, contentType, body: "@FILE" });
  const body = await response.text();
  return curlOf({ ...call, contentType, body: body.length > MAX_CURL_BYTES ? "@FILE" : body });
}

/** The largest payload in a curl command. Shells limit the length of a line. */
const MAX_CURL_BYTES = 32_768;

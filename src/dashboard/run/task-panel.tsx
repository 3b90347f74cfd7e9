/**
 * The panel of a task: attempts, log, input, output and items.
 *
 * API calls:
 * - `GET /runs/ID`: the completion URL of a waiting external task.
 * - Payloads, log lines and items, by the views of the tabs.
 *
 * Query parameters: `task` is the task, `tab` the open tab. Closing the panel removes both.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RunDocument, TaskOfRun, WaitingFor } from "../../contract/run.ts";
import { formatBytes, formatCount } from "../format.ts";
import type { RunModel } from "../live/run-model.ts";
import { query, setQuery } from "../location.ts";
import { Button, CopyButton, IconButton } from "../parts/button.tsx";
import { useGet } from "../parts/load.ts";
import { PayloadView } from "../parts/payload-view.tsx";
import { StatusPill } from "../parts/status.tsx";
import { type Tab, Tabs } from "../parts/tabs.tsx";
import { Time } from "../parts/time.tsx";
import { runPath } from "../routes.ts";
import { mayOperate } from "../session.ts";
import { AttemptsView } from "./attempts-view.tsx";
import { CompleteDialog } from "./complete-dialog.tsx";
import { ItemsView } from "./items-view.tsx";
import { LogView } from "./log-view.tsx";
import { ProgressBar } from "./task-box.tsx";

/** The height of the log in pixels. */
const LOG_HEIGHT = 440;

/** The names of the tabs, as in the URL. */
type TabName = "attempts" | "items" | "log" | "read" | "passed";

/**
 * Shows a task of a run: status, notes, and tabs for attempts, items, log, input and output.
 * `onReplayFrom` opens the replay from this task; null if that is not allowed.
 *
 * The open tab is in the address. A tab that this task does not have falls back to the first one.
 */
export function TaskPanel({
  model,
  name,
  onReplayFrom,
}: {
  readonly model: RunModel;
  /** The name of the task, as in peach.conf. */
  readonly name: string;
  readonly onReplayFrom: (() => void) | null;
}): JSX.Element | null {
  const panel = useRef<HTMLElement>(null);
  const isCompleting = useSignal(false);
  useEffect(() => {
    // On a narrow screen the panel is below the graph, out of sight.
    if (matchMedia("(max-width: 1080px)").matches)
      panel.current?.scrollIntoView({ block: "start" });
  }, []);
  const task = model.task(name)?.value;
  if (task === undefined) return null;
  // Only a waiting external task can be completed.
  const mayComplete = mayOperate() && task.waiting_for?.for === "completion";
  const tabs = tabsOf(task);
  const asked = query.value.get("tab");
  const chosen = tabs.find((tab) => tab.name === asked)?.name ?? tabs[0]?.name ?? "attempts";
  return (
    <section ref={panel} class="panel" aria-label={`Task ${name}`}>
      <header class="panel-head">
        <h2 class="ellipsis" title={name}>
          {name}
        </h2>
        <StatusPill status={task.status} />
        <span class="spacer" />
        {onReplayFrom !== null && task.upstream.length > 0 && (
          <Button icon="branch" style="button-small" onClick={onReplayFrom}>
            Replay from here
          </Button>
        )}
        {mayComplete && (
          <Button icon="check" style="button-small" onClick={() => (isCompleting.value = true)}>
            Complete…
          </Button>
        )}
        <IconButton
          icon="cross"
          label="Close the task"
          onClick={() => setQuery({ task: null, tab: null, item: null, items: null }, "push")}
        />
      </header>
      <Notes task={task}>
        {mayComplete && (
          <CompletionUrl key={task.attempts.length} runId={model.runId} task={name} />
        )}
      </Notes>
      <Tabs
        label="About the task"
        tabs={tabs}
        chosen={chosen}
        onChoose={(tab) => setQuery({ tab, item: null, line: null })}
      >
        <Content model={model} task={task} tab={chosen} />
      </Tabs>
      {isCompleting.value && (
        <CompleteDialog
          runId={model.runId}
          task={name}
          onClose={() => (isCompleting.value = false)}
        />
      )}
    </section>
  );
}

/**
 * Lists the tabs of a task, with counts and sizes that can be known without opening them. A task
 * with `each` has its items first.
 */
function tabsOf(task: TaskOfRun): Tab<TabName>[] {
  const count = (value: number): JSX.Element => <span class="tab-count">{formatCount(value)}</span>;
  return [
    ...(task.each === undefined
      ? []
      : [{ name: "items" as const, label: <>Items {count(task.each.total)}</> }]),
    { name: "attempts", label: <>Attempts {count(task.attempts.length)}</> },
    { name: "log", label: "Log" },
    { name: "read", label: "Input" },
    {
      name: "passed",
      label: (
        <>
          Output{" "}
          {task.output !== null && <span class="tab-count">{formatBytes(task.output.size)}</span>}
        </>
      ),
    },
  ];
}

/**
 * Notes above the tabs: the reason of a status, progress, what the task waits for, and stored
 * steps.
 */
function Notes({
  task,
  children,
}: {
  readonly task: TaskOfRun;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { progress, waiting_for, reason, steps } = task;
  return (
    <div class="panel-notes">
      {reason !== null && (
        <p>
          <span class="muted">Reason</span> {reason.replaceAll("_", " ")}
        </p>
      )}
      {progress && task.status === "running" && (
        <div class="panel-progress">
          <ProgressBar document={task} />
          <span>{Math.round(progress.fraction * 100)}%</span>
          {progress.message !== null && <span class="muted ellipsis">{progress.message}</span>}
        </div>
      )}
      {waiting_for && <WaitingNote waiting={waiting_for} />}
      {children}
      {steps !== undefined && steps.length > 0 && (
        <p>
          <span class="muted">Finished steps</span> {steps.map(({ name }) => name).join(", ")}
        </p>
      )}
    </div>
  );
}

/**
 * The completion URL of the current attempt. It is read by a call of its own: the stream does not
 * contain it, since the URL is a secret and many may listen.
 */
function CompletionUrl({
  runId,
  task,
}: {
  readonly runId: string;
  readonly task: string;
}): JSX.Element | null {
  const { data } = useGet<RunDocument>(`/runs/${encodeURIComponent(runId)}`);
  const url = data.value?.tasks.find((one) => one.task === task)?.completion_url;
  if (url === undefined) return null;
  return (
    <p class="completion">
      <span class="muted">Completion</span> <code class="ellipsis">{url}</code>
      <CopyButton text={url} label="Copy the completion URL" />
    </p>
  );
}

/**
 * Explains what a task waits for and until or since when, with a link to where the wait can be
 * ended: another run, or the page Limits.
 */
function WaitingNote({ waiting }: { readonly waiting: WaitingFor }): JSX.Element {
  switch (waiting.for) {
    case "completion":
      return (
        <p>
          Waits for somebody to complete it. The wait ends <Time at={waiting.until} />.
        </p>
      );
    case "run":
      return (
        <p>
          Waits for the run <a href={runPath(waiting.run_id)}>{waiting.task}</a>.
        </p>
      );
    case "deploy":
      return (
        <p>
          The deployed code does not have its method <code>{waiting.method}</code>: waits for a
          deploy that does. The wait ends <Time at={waiting.until} />.
        </p>
      );
    case "concurrency":
    case "rate_limit":
    case "pause":
      return (
        <p>
          {waiting.for === "pause"
            ? "Paused"
            : waiting.for === "concurrency"
              ? "Waits for a slot"
              : "Held by its rate limit"}
          {waiting.key !== null && (
            <>
              {" "}
              of <code>{waiting.key}</code>
            </>
          )}
          , since <Time at={waiting.since} />. <a href="/dashboard/limits">Limits</a>
        </p>
      );
  }
}

/**
 * The content of the chosen tab. The number of attempts is the version of an output: a retry may
 * change it.
 */
function Content({
  model,
  task,
  tab,
}: {
  readonly model: RunModel;
  readonly task: TaskOfRun;
  readonly tab: TabName;
}): JSX.Element {
  switch (tab) {
    case "attempts":
      return <AttemptsView attempts={task.attempts} />;
    case "items":
      return <ItemsView model={model} task={task} />;
    case "log":
      return (
        <LogView
          key={task.task}
          model={model}
          task={task.task}
          label={`Log of ${task.task}`}
          height={LOG_HEIGHT}
        />
      );
    case "read":
      return <ReadView model={model} task={task} />;
    case "passed":
      return task.output === null ? (
        <p class="muted">It has no output: it is {task.status}.</p>
      ) : (
        <PayloadView runId={model.runId} task={task.task} version={String(task.attempts.length)} />
      );
  }
}

/**
 * Shows the input of a task: the payload of the run for a root, and the outputs of all upstream
 * tasks otherwise.
 */
function ReadView({
  model,
  task,
}: {
  readonly model: RunModel;
  readonly task: TaskOfRun;
}): JSX.Element {
  if (task.upstream.length === 0) return <PayloadView runId={model.runId} task={null} />;
  return (
    <>
      {task.upstream.map((name) => {
        const parent = model.task(name)?.value;
        return (
          <section key={name}>
            <h3 class="small-title">
              from <a href={runPath(model.runId, name)}>{name}</a>
            </h3>
            {parent?.output ? (
              <PayloadView
                runId={model.runId}
                task={name}
                version={String(parent.attempts.length)}
              />
            ) : (
              <p class="muted">
                It has no output{parent === undefined ? "" : `: it is ${parent.status}`}.
              </p>
            )}
          </section>
        );
      })}
    </>
  );
}

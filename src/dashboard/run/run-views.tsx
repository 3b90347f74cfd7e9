/**
 * The views below the graph of a run.
 *
 * - Timeline: where the time went.
 * - Log: the lines of all tasks.
 * - History: who did what.
 * - Input: the payload that triggered the run.
 * - Output: the outputs of the last tasks.
 *
 * Query parameters: `view` is the open view.
 */
import type { JSX } from "preact";
import { formatBytes } from "../format.ts";
import type { RunModel } from "../live/run-model.ts";
import { query, setQuery } from "../location.ts";
import { PayloadView } from "../parts/payload-view.tsx";
import { type Tab, Tabs } from "../parts/tabs.tsx";
import { runPath } from "../routes.ts";
import { HistoryView } from "./history-view.tsx";
import { ItemLog } from "./item-log.tsx";
import { LogView } from "./log-view.tsx";
import { TimelineView } from "./timeline-view.tsx";

/** The names of the views, as in the URL. */
type ViewName = "timeline" | "log" | "history" | "input" | "output";

const TABS: readonly Tab<ViewName>[] = [
  { name: "timeline", label: "Timeline" },
  { name: "log", label: "Log" },
  { name: "history", label: "History" },
  { name: "input", label: "Input" },
  { name: "output", label: "Output" },
];

/** The height of the log in pixels. */
const LOG_HEIGHT = 520;
/** The number of outputs that are shown. */
const MOST_OUTPUTS = 20;

/** Shows the chosen view. `chosen` is the task whose panel is open. */
export function RunViews({
  model,
  chosen,
}: {
  readonly model: RunModel;
  readonly chosen: string | null;
}): JSX.Element {
  const asked = query.value.get("view");
  const view = TABS.find(({ name }) => name === asked)?.name ?? "timeline";
  return (
    <Tabs
      label="About the run"
      tabs={TABS}
      chosen={view}
      onChoose={(name) => setQuery({ view: name === "timeline" ? null : name, line: null })}
    >
      {view === "timeline" && <TimelineView model={model} chosen={chosen} />}
      {view === "log" && <WholeLog model={model} />}
      {view === "history" && <HistoryView model={model} />}
      {view === "input" && <PayloadView runId={model.runId} task={null} />}
      {view === "output" && <Outputs model={model} />}
    </Tabs>
  );
}

/** The log of all tasks, and below a way to the logs of items: a task may have ten thousand. */
function WholeLog({ model }: { readonly model: RunModel }): JSX.Element {
  const maps = model.tasks.value.filter((name) => model.task(name)?.peek().each !== undefined);
  return (
    <>
      <LogView model={model} label="Log of the run" height={LOG_HEIGHT} />
      {maps.length > 0 && <ItemLog model={model} maps={maps} />}
    </>
  );
}

/** The outputs of the last tasks: the tasks without downstream tasks. */
function Outputs({ model }: { readonly model: RunModel }): JSX.Element {
  const last = model.tasks.value.flatMap((name) => {
    const task = model.task(name)?.value;
    return task === undefined || task.downstream.length > 0 ? [] : [task];
  });
  return (
    <>
      {last.slice(0, MOST_OUTPUTS).map(({ task, status, output, attempts }) => (
        <section key={task}>
          <h3 class="small-title">
            of <a href={runPath(model.runId, task)}>{task}</a>{" "}
            {output !== null && <span class="muted">{formatBytes(output.size)}</span>}
          </h3>
          {output === null ? (
            <p class="muted">It has no output: it is {status}.</p>
          ) : (
            <PayloadView runId={model.runId} task={task} version={String(attempts.length)} />
          )}
        </section>
      ))}
      {last.length > MOST_OUTPUTS && (
        <p class="muted">and {last.length - MOST_OUTPUTS} more tasks without downstream tasks</p>
      )}
    </>
  );
}

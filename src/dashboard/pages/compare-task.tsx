/**
 * A task in two runs: error, input, output and log, line by line.
 *
 * API calls:
 * - `GET /runs/ID/payload` and `GET /runs/ID/tasks/TASK/payload`: the first 256 KB. Of the parents
 *   of a join twenty at a time.
 * - `GET /runs/ID/tasks/TASK/logs`: the first thousand lines.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { LogPage } from "../../contract/run-logs.ts";
import type { RunDocument, TaskOfRun } from "../../contract/run.ts";
import { get, getBytes, payloadPath } from "../api.ts";
import { diffLines, parentPage, type ParentPage, type TaskPair } from "../compare.ts";
import { formatCount } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Loading } from "../parts/states.tsx";
import { Tabs } from "../parts/tabs.tsx";

/** The number of bytes of a payload that are compared. Longer payloads are compared up to there. */
const SHOWN_BYTES = 256_000;
/** The compared parts of a task, in the order of the tabs. */
const TABS = ["Error", "Input", "Output", "Log"] as const;
type TabName = (typeof TABS)[number];

/**
 * Shows what differs in a task. The error comes first if the task has failed in one of the runs.
 */
export function CompareTask({
  left,
  right,
  pair,
}: {
  readonly left: RunDocument;
  readonly right: RunDocument;
  readonly pair: TaskPair;
}): JSX.Element {
  const hasError = errorText(pair.left) !== "" || errorText(pair.right) !== "";
  const tab = useSignal<TabName>(hasError ? "Error" : "Input");
  const from = useSignal(0);
  const parents = parentPage(pair, from.value);
  return (
    <section class="card compare-task" aria-label={`Task ${pair.task}`}>
      <h2>{pair.task}</h2>
      <Tabs
        label="What is compared"
        tabs={TABS.map((name) => ({ name, label: name }))}
        chosen={tab.value}
        onChoose={(name) => (tab.value = name)}
      >
        {tab.value === "Input" && (
          <ParentPages page={parents} onChoose={(first) => (from.value = first)} />
        )}
        <Difference
          key={`${tab.value} ${parents.from}`}
          left={() => textOf(left, pair.left, tab.value, parents)}
          right={() => textOf(right, pair.right, tab.value, parents)}
        />
      </Tabs>
    </section>
  );
}

/**
 * Says which parents of a join are compared, and leads to the others. Nothing for a few parents.
 */
function ParentPages({
  page: { names, from, before, after, total },
  onChoose,
}: {
  readonly page: ParentPage;
  readonly onChoose: (first: number) => void;
}): JSX.Element | null {
  if (before === null && after === null) return null;
  return (
    <p class="compare-parents">
      <span class="muted" aria-live="polite">
        Parents {formatCount(from + 1)} to {formatCount(from + names.length)} of{" "}
        {formatCount(total)}
      </span>
      {before !== null && <Button onClick={() => onChoose(before)}>Previous</Button>}
      {after !== null && <Button onClick={() => onChoose(after)}>Next</Button>}
    </p>
  );
}

/**
 * Reads both texts and shows what differs, line by line; equal texts are shown once. The component
 * is made anew for each tab, so a tab is read when a user opens it.
 */
function Difference({
  left,
  right,
}: {
  readonly left: () => Promise<string>;
  readonly right: () => Promise<string>;
}): JSX.Element {
  const texts = useSignal<readonly [string, string] | null>(null);
  useEffect(() => {
    let isGone = false;
    const read = async (): Promise<void> => {
      const both = await Promise.all([left(), right()]);
      if (!isGone) texts.value = both;
    };
    void read();
    return () => {
      isGone = true;
    };
  }, []);
  if (texts.value === null) return <Loading lines={4} label="both" />;
  const [one, other] = texts.value;
  if (one === other)
    return (
      <>
        <p class="muted">{one === "" ? "Neither has any." : "The same in both:"}</p>
        {one !== "" && (
          <pre class="text" tabIndex={0}>
            {one}
          </pre>
        )}
      </>
    );
  return (
    <pre class="text diff" tabIndex={0}>
      {diffLines(one, other).map(({ kind, text }, index) => (
        <span key={index} class={`diff-${kind}`}>
          {kind === "added" ? "+ " : kind === "removed" ? "- " : "  "}
          {text}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}

/**
 * Reads the text of a tab for one of the runs. The input is the payload of the run for a root, and
 * the outputs of these parents otherwise. Empty if the run does not have the task.
 */
async function textOf(
  run: RunDocument,
  task: TaskOfRun | null,
  tab: TabName,
  { names }: ParentPage,
): Promise<string> {
  if (task === null) return "";
  switch (tab) {
    case "Error":
      return errorText(task);
    case "Output":
      return payloadText(payloadPath(run.run_id, task.task));
    case "Input": {
      if (task.upstream.length === 0) return payloadText(payloadPath(run.run_id, null));
      const own = new Set(task.upstream);
      const read = names
        .filter((name) => own.has(name))
        .map(async (name) => {
          const text = await payloadText(payloadPath(run.run_id, name));
          return task.upstream.length === 1 ? text : `${name}:\n${text}`;
        });
      return (await Promise.all(read)).join("\n");
    }
    case "Log":
      return logText(run.run_id, task.task);
  }
}

/** The last error of a task with its stack; empty without an error. */
function errorText(task: TaskOfRun | null): string {
  const error = task?.attempts.findLast((attempt) => attempt.error !== null)?.error ?? null;
  return error === null ? "" : (error.stack ?? `${error.name}: ${error.message}`);
}

/**
 * Reads a payload as text, JSON with a line for each value. A payload that cannot be read is empty:
 * it may have expired, and the other run is still worth showing.
 */
async function payloadText(path: string): Promise<string> {
  try {
    const response = await getBytes(path, SHOWN_BYTES, AbortSignal.timeout(20_000));
    const text = await response.text();
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  } catch {
    return "";
  }
}

/** Reads the log without times, which differ in every run. Fields are JSON behind the message. */
async function logText(runId: string, task: string): Promise<string> {
  try {
    const path = `/runs/${encodeURIComponent(runId)}/tasks/${encodeURIComponent(task)}/logs?limit=1000`;
    const { logs } = await get<LogPage>(path);
    return logs
      .map(({ level, message, fields }) =>
        [
          level.padEnd(5),
          message,
          Object.keys(fields ?? {}).length > 0 ? JSON.stringify(fields) : "",
        ]
          .join(" ")
          .trimEnd(),
      )
      .join("\n");
  } catch {
    return "";
  }
}

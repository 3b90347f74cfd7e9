/**
 * The log lines of a task: the stored ones, followed by live ones.
 *
 * API calls:
 * - `GET /runs/ID/tasks/TASK/logs`: stored lines, 200 per page.
 *
 * Live lines come by the run's stream and are not read by a call.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { LogLine, LogPage } from "../../contract/run-logs.ts";
import type { TaskOfRun } from "../../contract/run.ts";
import { formatExact, formatPlural } from "../format.ts";
import type { RunModel } from "../live/run-model.ts";
import { Button } from "../parts/button.tsx";
import { useGet } from "../parts/load.ts";
import { Empty, Loading, Problem } from "../parts/states.tsx";

/** The number of lines in a read. */
const LIMIT = 200;

/** Shows the log of a task, or of one item of a task with `each`. */
export function LogsView({
  model,
  task,
  item,
}: {
  readonly model: RunModel;
  readonly task: TaskOfRun;
  readonly item?: number;
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const cursor = useSignal<string | null>(null);
  const earlier = useSignal<readonly LogLine[]>([]);
  // Lines are stored when an attempt ends. They are then read again and replace the live ones.
  const ended = task.attempts.filter(({ finished_at }) => finished_at !== null).length;
  const query = new URLSearchParams({
    limit: String(LIMIT),
    ...(item === undefined ? {} : { item: String(item) }),
  });
  if (cursor.value !== null) query.set("cursor", cursor.value);
  const path = `/runs/${encodeURIComponent(model.runId)}/tasks/${encodeURIComponent(task.task)}/logs?${query}`;
  const { data, problem, reload } = useGet<LogPage>(path);
  useEffect(() => {
    if (ended > 0) reload();
    // Only when another attempt has ended.
  }, [ended]);
  const stored = [...earlier.value, ...(data.value?.logs ?? [])];
  const last = stored.at(-1);
  // A live line may be stored already, so only lines after the last stored one are added.
  const live = model
    .logs(task.task)
    .value.filter((line) => line.item === item && (last === undefined || isAfter(line, last)));
  const lines = [...stored, ...live];
  useEffect(() => {
    const element = place.current;
    // New lines scroll into view.
    if (element !== null && live.length > 0) element.scrollTop = element.scrollHeight;
  }, [live.length]);
  if (problem.value !== null && lines.length === 0)
    return <Problem problem={problem.value} onRetry={reload} />;
  if (data.value === null && lines.length === 0) return <Loading lines={4} label="the log" />;
  if (lines.length === 0)
    return (
      <Empty icon="runs" title="No lines">
        A task writes them with <code>log.info(…)</code>.
      </Empty>
    );
  const next = data.value?.next_cursor ?? null;
  const dropped = data.value?.dropped ?? 0;
  return (
    <>
      <div class="log" ref={place} tabIndex={0} role="log" aria-label={`Log of ${task.task}`}>
        {lines.map((line, index) => (
          <Line key={index} line={line} hasAttempts={task.attempts.length > 1} />
        ))}
      </div>
      {dropped > 0 && (
        <p class="muted small">{formatPlural(dropped, "line")} did not fit and were not kept.</p>
      )}
      {next !== null && (
        <Button
          onClick={() => {
            earlier.value = stored;
            cursor.value = next;
          }}
        >
          Later lines
        </Button>
      )}
    </>
  );
}

/** Compares two lines by attempt and time. Both times are ISO 8601 in UTC, which sort as text. */
function isAfter(line: LogLine, last: LogLine): boolean {
  return line.attempt > last.attempt || (line.attempt === last.attempt && line.at > last.at);
}

/**
 * A line: time of day, level, message and fields. The attempt is shown only if there are several.
 */
function Line({
  line,
  hasAttempts,
}: {
  readonly line: LogLine;
  readonly hasAttempts: boolean;
}): JSX.Element {
  const { at, level, attempt, message, fields } = line;
  return (
    <div class={`log-line log-${level}`}>
      <time dateTime={at} title={formatExact(Date.parse(at))}>
        {at.slice(11, 23)}
      </time>
      {hasAttempts && <span class="log-attempt">#{attempt}</span>}
      <span class="log-level">{level}</span>
      <span class="log-message">
        {message}
        {fields !== null && Object.keys(fields).length > 0 && (
          <span class="log-fields"> {JSON.stringify(fields)}</span>
        )}
      </span>
    </div>
  );
}

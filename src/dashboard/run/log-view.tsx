/**
 * A log: of a whole run, of a task, or of an item. Any number of lines, rendered only where
 * visible.
 *
 * - The log opens at the line of the address, or at the first error.
 * - New lines scroll into view only while the user is at the end. A button counts new lines.
 * - A click opens a line: the whole message and the fields are below the list.
 *
 * Query parameters: `line` is the open line.
 */
import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { formatCount, formatExact, formatPlural } from "../format.ts";
import type { RunModel } from "../live/run-model.ts";
import { query, setQuery } from "../location.ts";
import { Button, copyText, IconButton } from "../parts/button.tsx";
import { Chips } from "../parts/chips.tsx";
import { Name } from "../parts/name.tsx";
import { Empty, Loading, Problem } from "../parts/states.tsx";
import { VirtualList } from "../parts/virtual-list.tsx";
import { isUtc } from "../zone.ts";
import { type LinesScope, type RunLine, RunLines } from "./run-lines.ts";

/** The height of a line in pixels. */
const ROW_HEIGHT = 22;
/** The distance from the end, in pixels, within which the log follows. */
const NEAR = 30;

/** The levels of the filter. `warn` includes errors. */
const LEVELS = ["all", "warn", "error"] as const;
/** A level of the filter. */
type Level = (typeof LEVELS)[number];

/** Properties of a log. Without `task` it has the lines of all tasks. */
export interface LogViewProps extends LinesScope {
  readonly model: RunModel;
  /** The name of the log for screen readers. */
  readonly label: string;
  /** The maximum height in pixels. */
  readonly height: number;
}

/**
 * Shows the log with its filters: a level, and a text that messages, fields or task names contain.
 *
 * The lines come from `RunLines`, which reads them page by page and adds those of a running run as
 * they appear. The log can be read and filtered before all lines are there.
 */
export function LogView({ model, label, height, ...scope }: LogViewProps): JSX.Element {
  const { task, item } = scope;
  const ended = scope.attempts?.map(({ finished_at }) => finished_at).join(" ");
  // An attempt that ends changes the key: its lines are then read to the end.
  const source = useMemo(() => new RunLines(model, scope), [model, task, item, ended]);
  useEffect(() => () => source.close(), [source]);
  const level = useSignal<Level>("all");
  const text = useSignal("");
  const shown = useComputed(() => filtered(source.lines.value, level.value, text.value));
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useSignal(true);
  // The number of lines at the last moment at which the end was in view.
  const seenCount = useRef(0);
  const hasOpened = useRef(false);
  const lines = shown.value;
  const asked = query.value.get("line");
  const isRunning = model.head.value?.finished_at === null;
  useEffect(() => {
    // The first place is set once, when all is there: the line of the address, or the first error.
    if (hasOpened.current || !source.isWhole.value || lines.length === 0) return;
    hasOpened.current = true;
    const wanted = lines.findIndex((line) => keyOf(line) === asked);
    const at = wanted !== -1 ? wanted : lines.findIndex((line) => line.level === "error");
    const element = scroller.current;
    if (element === null) return;
    if (at === -1 && isRunning) element.scrollTop = element.scrollHeight;
    else if (at > 0) element.scrollTop = Math.max(0, at * ROW_HEIGHT - height / 3);
    look();
  });
  useEffect(() => {
    const element = scroller.current;
    // New lines scroll into view only for a user who is at the end.
    if (element === null || !isRunning || !isAtEnd.peek()) return;
    element.scrollTop = element.scrollHeight;
  }, [lines.length]);
  /** Notes if the end is in view. */
  const look = (): void => {
    const element = scroller.current;
    if (element === null) return;
    isAtEnd.value = element.scrollTop + element.clientHeight >= element.scrollHeight - NEAR;
  };
  if (isAtEnd.value) seenCount.current = lines.length;
  const unseen = lines.length - seenCount.current;
  const all = source.lines.value;
  if (source.problem.value !== null && all.length === 0)
    return <Problem problem={source.problem.value} onRetry={() => source.retry()} />;
  if (all.length === 0 && !source.isWhole.value) return <Loading lines={4} label="the log" />;
  if (all.length === 0)
    return (
      <Empty icon="runs" title="No lines">
        A task writes them with <code>log.info(…)</code>.
      </Empty>
    );
  const chosen = asked === null ? undefined : all.find((line) => keyOf(line) === asked);
  const hasTask = scope.task === undefined;
  const hasAttempt = all.some(({ attempt }) => attempt > 1);
  return (
    <div class="log-view">
      <div class="log-tools">
        <Chips
          label="Which levels"
          names={LEVELS}
          isPressed={(name) => name === level.value}
          onPress={(name) => (level.value = name)}
          content={(name) =>
            name === "all" ? "all" : `${name}${name === "warn" ? " and error" : ""}`
          }
        />
        <input
          type="search"
          aria-label="Search in the log"
          placeholder="Search"
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
        <span class="muted small" aria-live="polite">
          {countText(lines.length, all.length, source)}
        </span>
        <span class="spacer" />
        <Button
          icon="copy"
          style="button-small"
          onClick={() => void copyText(lines.map(textOf).join("\n"))}
        >
          Copy
        </Button>
      </div>
      {source.problem.value !== null && (
        <Problem problem={source.problem.value} onRetry={() => source.retry()} />
      )}
      <div class={`log ${hasTask ? "has-task" : ""} ${hasAttempt ? "has-attempt" : ""}`}>
        <VirtualList
          label={label}
          count={lines.length}
          rowHeight={ROW_HEIGHT}
          maxHeight={height}
          scroller={scroller}
          onScroll={look}
          row={(index) => {
            const line = lines[index];
            return line && <Line line={line} isChosen={line === chosen} hasTask={hasTask} />;
          }}
        />
        {unseen > 0 && !isAtEnd.value && isRunning && (
          <button
            type="button"
            class="log-new"
            onClick={() => {
              const element = scroller.current;
              if (element !== null) element.scrollTop = element.scrollHeight;
            }}
          >
            {formatPlural(unseen, "new line")} ↓
          </button>
        )}
      </div>
      {source.dropped.value > 0 && (
        <p class="muted small">
          {formatPlural(source.dropped.value, "line")} did not fit and were not kept.
        </p>
      )}
      {chosen !== undefined && <OpenLine line={chosen} />}
    </div>
  );
}

/** Says how many lines are shown, and while they are read how many there are. */
function countText(shown: number, known: number, { isWhole, expected }: RunLines): string {
  const all = isWhole.value ? known : Math.max(known, expected.value);
  const reading = isWhole.value ? "" : `, ${formatCount(known)} read so far`;
  return shown === known
    ? `${formatPlural(all, "line")}${reading}`
    : `${formatCount(shown)} of ${formatPlural(all, "line")}${reading}`;
}

/**
 * Selects the lines of a level that contain a text in the message, the fields or the name of the
 * task, without regard to case. `warn` includes errors.
 */
function filtered(lines: readonly RunLine[], level: Level, text: string): readonly RunLine[] {
  const sought = text.trim().toLowerCase();
  if (level === "all" && sought === "") return lines;
  return lines.filter(
    (line) =>
      (level === "all" || line.level === "error" || line.level === level) &&
      (sought === "" ||
        line.message.toLowerCase().includes(sought) ||
        line.task.toLowerCase().includes(sought) ||
        (line.fields !== null && JSON.stringify(line.fields).toLowerCase().includes(sought))),
  );
}

/**
 * Makes the key of a line, as in the address: task, attempt, and number of the line in its attempt.
 */
function keyOf({ task, attempt, index }: RunLine): string {
  return `${task}.${attempt}.${index}`;
}

/**
 * Formats a line for the clipboard. The time is in UTC, whatever the page shows, so that copied
 * lines of two people agree.
 */
function textOf({ at, level, task, attempt, message, fields }: RunLine): string {
  const rest = fields === null ? "" : ` ${JSON.stringify(fields)}`;
  return `${new Date(at).toISOString()} ${level} ${task}#${attempt} ${message}${rest}`;
}

/** The time of day, to the millisecond, in the shown zone. */
function timeOf(at: number): string {
  const shift = isUtc.value ? 0 : new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - shift).toISOString().slice(11, 23);
}

/**
 * Shows a line: time, level, task, attempt, message and fields, cut to the width. A click opens the
 * line, and its address can be shared.
 */
function Line({
  line,
  isChosen,
  hasTask,
}: {
  readonly line: RunLine;
  readonly isChosen: boolean;
  /** True in the log of a run: each line then names its task. */
  readonly hasTask: boolean;
}): JSX.Element {
  const { at, level, task, attempt, message, fields } = line;
  return (
    <button
      type="button"
      class={`log-line log-${level} ${isChosen ? "is-chosen" : ""}`}
      aria-pressed={isChosen}
      onClick={() => setQuery({ line: isChosen ? null : keyOf(line) })}
    >
      <time dateTime={new Date(at).toISOString()} title={formatExact(at)}>
        {timeOf(at)}
      </time>
      <span class="log-level">{level}</span>
      {hasTask && (
        <span class="log-task">
          <Name text={task} />
        </span>
      )}
      <span class="log-attempt">#{attempt}</span>
      <span class="log-message">
        {message}
        {fields !== null && <span class="log-fields"> {JSON.stringify(fields)}</span>}
      </span>
    </button>
  );
}

/**
 * Shows a whole line below the list: the message with its line breaks, and each field with its JSON
 * indented. Copy copies the line, Link its address.
 */
function OpenLine({ line }: { readonly line: RunLine }): JSX.Element {
  const { at, level, task, attempt, message, fields } = line;
  return (
    <section class="open-line" aria-label="The open line">
      <header>
        <span class={`log-${level}`}>
          <span class="log-level">{level}</span>
        </span>
        <strong>{task}</strong> <span class="muted">attempt {attempt}</span>{" "}
        <span class="muted">{formatExact(at)}</span>
        <span class="spacer" />
        <Button icon="copy" style="button-small" onClick={() => void copyText(textOf(line))}>
          Copy
        </Button>
        <Button icon="copy" style="button-small" onClick={() => void copyText(location.href)}>
          Link
        </Button>
        <IconButton icon="cross" label="Close the line" onClick={() => setQuery({ line: null })} />
      </header>
      <pre class="text" tabIndex={0}>
        {message}
      </pre>
      {fields !== null &&
        Object.entries(fields).map(([name, value]) => (
          <div key={name} class="open-field">
            <span class="muted">{name}</span>
            <pre class="text">
              {typeof value === "string" ? value : JSON.stringify(value, null, 2)}
            </pre>
          </div>
        ))}
    </section>
  );
}

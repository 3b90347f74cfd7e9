/** Follows a run: live in a terminal, as a line per change elsewhere. */
import {
  applyRunEvent,
  type RunDocument,
  type RunEvent,
  type TaskOfRun,
} from "../client/client.ts";
import { Display, type DisplayLine, type LineEnd } from "../local/display.ts";
import type { ExitCode, CommandHost } from "./command.ts";
import type { AnyClient } from "./deployment.ts";
import { logText, sameLine } from "./log-line.ts";
import { earlierLogs } from "./run-context.ts";
import { failureLines, isFinal, taskDetail } from "./run-view.ts";
import { durationText, paint, statusColour } from "./table.ts";
import { PEACH } from "../compiler/peach-command.ts";

/** Options of the display. */
export interface FollowOptions {
  /** True shows the run in lines with each log line, also in a terminal. */
  readonly logs: boolean;
  /** True prints each event as a line of JSON. */
  readonly json: boolean;
}

/**
 * Shows a run until it is final. Returns 0 if it succeeded; 1 if it failed or the command was
 * interrupted.
 */
export async function followRun(
  peach: AnyClient,
  runId: string,
  { logs, json }: FollowOptions,
  host: CommandHost,
): Promise<ExitCode> {
  const { terminal, out, err, signal } = host;
  try {
    const events = peach.runs.events(runId, { signal });
    const run =
      terminal.columns !== null && !logs && !json
        ? await followLive(events)
        : await followInLines(peach, events, json, host);
    if (run === null) return 1;
    if (!json) {
      for (const line of failureLines(run, terminal)) err(line);
      out(
        `${runId} ${paint(run.status, statusColour(run.status), terminal)} after ` +
          durationText(run.duration_ms),
      );
    }
    return run.status === "succeeded" ? 0 : 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    err(`${runId} goes on: ${PEACH} watch ${runId}`);
    return 1;
  }
}

/**
 * Prints each log line, earlier lines too, and a line whenever the text of a task changes.
 */
async function followInLines(
  peach: AnyClient,
  events: AsyncIterable<RunEvent>,
  json: boolean,
  { out, terminal, signal }: CommandHost,
): Promise<RunDocument | null> {
  let run: RunDocument | null = null;
  // A line from the time between the two calls is in both answers.
  let earlier: readonly string[] = [];
  for await (const event of events) {
    const before: RunDocument | null = run;
    run = applyRunEvent(run, event);
    if (json) out(JSON.stringify(event));
    else if (event.type === "log") {
      if (!earlier.includes(sameLine(event.line))) out(logText(event.line));
    } else if (run !== null) {
      for (const task of run.tasks) {
        const text = taskText(task, terminal);
        const known = before?.tasks.find((entry) => entry.task === task.task);
        if (known === undefined ? task.status !== "pending" : taskText(known, terminal) !== text)
          out(text);
      }
      if (before === null) {
        const lines = await earlierLogs(peach, run, signal);
        earlier = lines.map(sameLine);
        for (const line of lines) out(logText(line));
      }
    }
  }
  return run;
}

/** Renders a task without running times: the text changes only with the state. */
function taskText(task: TaskOfRun, terminal: CommandHost["terminal"]): string {
  const now = Date.parse(task.attempts.at(-1)?.started_at ?? "");
  const detail = taskDetail(task, now);
  return `${task.task}: ${paint(task.status, statusColour(task.status), terminal)}${detail === "" ? "" : `  ${detail}`}`;
}

/** Shows a line per task and redraws it until the run is final. */
export async function followLive(
  events: AsyncIterable<RunEvent>,
  display = new Display(false),
): Promise<RunDocument | null> {
  const latest = new LatestRun();
  const reading = latest.read(events);
  // The promise is awaited below, after the display. This handler prevents an early rejection from
  // being reported as unhandled.
  reading.catch(() => {});
  const first = await latest.first;
  if (first !== null) {
    const lines = first.tasks.map(({ task: name }) => ({
      title: name,
      work: (line: DisplayLine) => latest.show(name, line),
    }));
    await display.together(lines);
  }
  return reading;
}

/** The interval of redrawing, for running times. */
const REDRAW_MS = 200;

/** The latest document of a run, shared by the lines of its tasks. */
class LatestRun {
  readonly first: Promise<RunDocument | null>;
  readonly #gotFirst: (run: RunDocument | null) => void;
  #run: RunDocument | null = null;
  /** The last log line of each task. */
  readonly #logged = new Map<string, string>();
  #ended = false;
  #wake: () => void = () => {};
  #update = this.#nextUpdate();

  constructor() {
    const { promise, resolve } = Promise.withResolvers<RunDocument | null>();
    this.first = promise;
    this.#gotFirst = resolve;
  }

  /** Applies the events until they end. Rejects with their error. */
  async read(events: AsyncIterable<RunEvent>): Promise<RunDocument | null> {
    try {
      for await (const event of events) {
        this.#run = applyRunEvent(this.#run, event);
        if (event.type === "log") this.#logged.set(event.line.task, logText(event.line));
        if (this.#run !== null) this.#gotFirst(this.#run);
        this.#notify();
      }
      return this.#run;
    } finally {
      this.#ended = true;
      this.#gotFirst(this.#run);
      this.#notify();
    }
  }

  /** Updates a line until its task is final. */
  async show(name: string, line: DisplayLine): Promise<LineEnd> {
    for (;;) {
      const task = this.#run?.tasks.find((entry) => entry.task === name);
      if (task === undefined) return "skipped";
      const text = `${name}: ${task.status}  ${taskDetail(task, Date.now())}`.trimEnd();
      line.title = text;
      line.output = this.#logged.get(name) ?? "";
      if (isFinal(task.status) || this.#ended)
        return task.status === "succeeded" || task.status === "failed" ? task.status : "skipped";
      // Running times change without an event.
      await Promise.race([this.#update, new Promise((wake) => setTimeout(wake, REDRAW_MS))]);
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#update = this.#nextUpdate();
    wake();
  }

  #nextUpdate(): Promise<void> {
    return new Promise((wake) => (this.#wake = wake));
  }
}

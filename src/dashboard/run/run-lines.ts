/**
 * The log lines of a run, a task or an item, in the order of time.
 *
 * - An ended attempt is read once, as a whole: no line is left out.
 * - An attempt that runs is read once and followed by the lines of the run's stream.
 * - The error of a failed attempt is a separate line at the time of the failure.
 *
 * API calls:
 * - `GET /runs/ID/tasks/TASK/logs`: attempt by attempt, 1,000 lines per page, four at a time.
 */
import { batch, effect, type Signal, signal } from "@preact/signals";
import type { LogPage } from "../../contract/run-logs.ts";
import type { LogEvent } from "../../contract/run-events.ts";
import type { Attempt } from "../../contract/run.ts";
import { get, problemOf } from "../api.ts";
import type { RunModel } from "../live/run-model.ts";
import type { ShownProblem } from "../shown-problem.ts";

/** A line of the log. */
export interface RunLine {
  readonly task: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The number of the line within its attempt, from 0; -1 is the error of the attempt. */
  readonly index: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  /** The fields of the line, or of an error its stack; null without fields. */
  readonly fields: Readonly<Record<string, unknown>> | null;
}

/** The part of a run to read. */
export interface LinesScope {
  /** The task; absent: all tasks. */
  readonly task?: string;
  /** The index of an item of the task. */
  readonly item?: number;
  /** The attempts of the item, which the run's document does not contain. */
  readonly attempts?: readonly Attempt[];
}

/** The parts of a run's model that lines come from. */
export type LinesSource = Pick<RunModel, "runId" | "tasks" | "task" | "logs">;

/** The number of lines in a read. */
const PAGE = 1_000;
/** The number of reads at a time. */
const AT_ONCE = 4;
/** The interval in which new lines are put in order: with 100,000 lines that takes a while. */
const ORDER_MS = 250;

/** The lines of one attempt. */
interface Part {
  readonly task: string;
  readonly attempt: number;
  /** The lines read so far, oldest first. */
  lines: readonly RunLine[];
  /** True once the attempt has ended and everything is read. */
  isWhole: boolean;
  /** True once it was asked for: while it ran, and after its end. */
  isAskedLive: boolean;
  isAskedWhole: boolean;
}

/** Reads and follows the lines. Closing it ends both. */
export class RunLines {
  /** The lines that are known, in the order of time. */
  readonly lines: Signal<readonly RunLine[]> = signal([]);
  /** True when every attempt that has ended is read. */
  readonly isWhole = signal(false);
  /** The number of lines that the run has, as far as it says. */
  readonly expected = signal(0);
  /** The number of lines that were not kept, since an attempt wrote too many. */
  readonly dropped = signal(0);
  /** The reason why a read failed, or null. */
  readonly problem: Signal<ShownProblem | null> = signal(null);
  readonly #model: LinesSource;
  readonly #scope: LinesScope;
  /** The attempts by task and number. */
  readonly #parts = new Map<string, Part>();
  /** Attempts that wait for a read, in the order of the tasks. */
  readonly #queue: Part[] = [];
  readonly #aborter = new AbortController();
  readonly #stop: () => void;
  /** The number of open reads. */
  #reading = 0;
  /** The timer of the next order. */
  #ordering: number | undefined;

  constructor(model: LinesSource, scope: LinesScope = {}) {
    this.#model = model;
    this.#scope = scope;
    this.#stop = effect(() => this.#look());
  }

  /** Stops reading and following. */
  close(): void {
    this.#stop();
    this.#aborter.abort();
    window.clearTimeout(this.#ordering);
  }

  /** Reads again what could not be read. */
  retry(): void {
    this.problem.value = null;
    for (const part of this.#parts.values())
      if (!part.isWhole) part.isAskedLive = part.isAskedWhole = false;
    this.#look();
  }

  /** Finds new attempts and attempts that have ended. Reading the tasks subscribes to them. */
  #look(): void {
    const { task } = this.#scope;
    let expected = 0;
    for (const name of task === undefined ? this.#model.tasks.value : [task]) {
      const document = this.#model.task(name)?.value;
      const attempts = this.#scope.attempts ?? document?.attempts ?? [];
      for (const attempt of attempts) {
        expected += (attempt.log_lines ?? 0) + (attempt.error === null ? 0 : 1);
        this.#lookAt(name, attempt);
      }
      // Reading the signal subscribes to new lines of the stream; `#orderSoon` reads the lines.
      void this.#model.logs(name).value;
    }
    this.expected.value = expected;
    this.#pump();
    this.#orderSoon();
  }

  /** Adds an attempt, or asks for it as a whole once it has ended. */
  #lookAt(task: string, attempt: Attempt): void {
    const key = `${task} ${attempt.attempt}`;
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = {
        task,
        attempt: attempt.attempt,
        lines: [],
        isWhole: false,
        isAskedLive: false,
        isAskedWhole: false,
      };
      this.#parts.set(key, part);
    }
    if (part.isWhole) return;
    const hasEnded = attempt.finished_at !== null;
    if (hasEnded && attempt.log_lines === undefined) {
      part.isWhole = true;
      part.lines = errorLine(task, attempt);
    } else if (hasEnded ? !part.isAskedWhole : !part.isAskedLive) {
      part.isAskedWhole = hasEnded;
      part.isAskedLive = true;
      this.#queue.push(part);
    }
  }

  /** Starts as many reads as may run. */
  #pump(): void {
    while (this.#reading < AT_ONCE) {
      const part = this.#queue.shift();
      if (part === undefined) break;
      this.#reading += 1;
      this.#read(part)
        .catch((error: unknown) => {
          if (!this.#aborter.signal.aborted) this.problem.value = problemOf(error);
        })
        .finally(() => {
          this.#reading -= 1;
          this.#pump();
          this.#orderSoon();
        });
    }
    if (this.#reading > 0) this.isWhole.value = false;
  }

  /** Reads an attempt to its end. One that still runs is asked for again when it has ended. */
  async #read(part: Part): Promise<void> {
    const before = this.#attemptOf(part);
    const lines: RunLine[] = [];
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ attempt: String(part.attempt), limit: String(PAGE) });
      if (this.#scope.item !== undefined) query.set("item", String(this.#scope.item));
      if (cursor !== null) query.set("cursor", cursor);
      const path = `/runs/${encodeURIComponent(this.#model.runId)}/tasks/${encodeURIComponent(part.task)}/logs?${query}`;
      const page: LogPage = await get<LogPage>(path, this.#aborter.signal);
      for (const { at, level, message, fields } of page.logs)
        lines.push({
          task: part.task,
          attempt: part.attempt,
          index: lines.length,
          at: Date.parse(at),
          level,
          message,
          fields,
        });
      part.lines = lines;
      cursor = page.next_cursor;
      if (cursor === null && before?.finished_at) this.dropped.value += page.dropped;
      this.#orderSoon();
    } while (cursor !== null);
    const hadEnded = before !== undefined && before.finished_at !== null;
    if (hadEnded) part.lines = [...lines, ...errorLine(part.task, before)];
    part.isWhole = hadEnded;
  }

  /** Finds the attempt of a part in the current document. */
  #attemptOf({ task, attempt }: Part): Attempt | undefined {
    const attempts = this.#scope.attempts ?? this.#model.task(task)?.peek().attempts ?? [];
    return attempts.find((one) => one.attempt === attempt);
  }

  /** Schedules a new order of all lines. Calls within the interval share one order. */
  #orderSoon(): void {
    this.#ordering ??= window.setTimeout(() => {
      this.#ordering = undefined;
      const lines = inOrder(
        [...this.#parts.values()].map((part) =>
          part.isWhole
            ? part.lines
            : withLive(part, this.#model.logs(part.task).peek(), this.#scope),
        ),
      );
      batch(() => {
        this.lines.value = lines;
        // Only now: a log that is whole has all lines in their places.
        this.isWhole.value = this.#reading === 0 && this.#queue.length === 0;
      });
    }, ORDER_MS);
  }
}

/** Puts the lines of all attempts in the order of time. Lines of one attempt keep their order. */
export function inOrder(parts: readonly (readonly RunLine[])[]): readonly RunLine[] {
  return parts.flat().toSorted((a, b) => a.at - b.at);
}

/** Adds the lines of the stream that are later than those that were read. */
function withLive(
  { attempt, task, lines }: Part,
  live: readonly LogEvent[],
  { item }: LinesScope,
): readonly RunLine[] {
  const last = lines.at(-1)?.at ?? 0;
  const added = live
    .filter((line) => line.attempt === attempt && line.item === item && Date.parse(line.at) > last)
    .map(({ at, level, message, fields }, index) => ({
      task,
      attempt,
      index: lines.length + index,
      at: Date.parse(at),
      level,
      message,
      fields,
    }));
  return added.length === 0 ? lines : [...lines, ...added];
}

/** The error of an attempt as a line, or none. */
function errorLine(
  task: string,
  { attempt, status, finished_at, error }: Attempt,
): readonly RunLine[] {
  if (error === null || finished_at === null) return [];
  const { name, message, stack } = error;
  const fields = stack === null || stack === "" ? null : { stack };
  const text = `attempt ${attempt} ${status.replace("_", " ")}: ${name}: ${message}`;
  const at = Date.parse(finished_at);
  return [{ task, attempt, index: -1, at, level: "error", message: text, fields }];
}

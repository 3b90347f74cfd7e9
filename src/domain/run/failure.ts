/** The failure of a run: its error, and the text by which failures of one kind are grouped. */
import type { AttemptError } from "./attempt.ts";
import { itemsOf } from "./mapped-task.ts";
import type { Run, TaskEntry } from "./state.ts";
import type { FailReason } from "./task-state.ts";

/** Error of the task that failed first. */
export interface RunFailure {
  readonly task: string;
  readonly name: string;
  readonly message: string;
}

/** Stored length of a message, and of a name. */
const MAX_MESSAGE = 400;
const MAX_NAME = 80;

/** Meanings of the reasons without an error. */
const REASONS: Readonly<Record<FailReason, string>> = {
  error: "The attempt failed without an error",
  worker_lost: "It took its worker down three times",
  unavailable: "Every attempt was lost for a day",
  broken: "The run could not go on",
  method_missing: "No deployed code had its method",
  not_an_array: "What it reads is no array",
  too_many_items: "The array has too many items",
  item_failed: "An item failed",
};

/** Returns the error of the task that failed first; null without a failed task. */
export function failureOf(run: Run): RunFailure | null {
  let first: {
    readonly entry: TaskEntry;
    readonly at: number;
    readonly reason: FailReason;
  } | null = null;
  for (const entry of run.tasks) {
    const { state } = entry;
    if (state.status === "failed" && (first === null || state.finishedAt < first.at))
      first = { entry, at: state.finishedAt, reason: state.reason };
  }
  if (first === null) return null;
  const { entry, reason } = first;
  const { name, message } = errorOf(run, entry) ?? { name: reason, message: REASONS[reason] };
  return {
    task: entry.task.name,
    name: name.slice(0, MAX_NAME),
    message: message.slice(0, MAX_MESSAGE),
  };
}

/** The last error of a task, or of its first failed item. */
function errorOf(run: Run, { attempts, each }: TaskEntry): AttemptError | null {
  const own = attempts.findLast(({ error }) => error !== null)?.error ?? null;
  if (own !== null || each === undefined || each.failed === 0) return own;
  const item = itemsOf(run, each).find(({ state }) => state.status === "failed");
  return item?.attempts.findLast(({ error }) => error !== null)?.error ?? null;
}

/**
 * Parts of a message that differ from failure to failure: times, addresses, ids and numbers.
 * A word with both letters and digits is an id if it has eight characters or more; the digits of a
 * shorter one, such as `mp4`, belong to it.
 */
const VARYING =
  /\d{4}-\d\d-\d\d(?:[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)?|\b[0-9a-f]{8}-[0-9a-f-]{20,30}\b|\b[a-z]+_[0-9a-z]{12,}\b|\b0x[0-9a-f]+\b|\b(?=[a-z]*\d)(?=\d*[a-z])[0-9a-z]{8,}\b|(?<![a-z\d])\d+(?:[.:,]\d+)*|\d{3,}/giu;

/** Replaces numbers, times and ids of a message with `#`: equal for failures of one kind. */
export function withoutValues(message: string): string {
  return message.replaceAll(VARYING, "#");
}

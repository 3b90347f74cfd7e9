/** Options that select runs. */
import { RUN_STATUSES } from "../domain/statuses.ts";
import { parseDuration } from "../domain/duration.ts";
import { TRIGGER_SOURCES } from "../domain/trigger.ts";
import type { RunFilter } from "../client/client.ts";
import { UsageError, type Values } from "./command.ts";

/** The statuses of the filter: those of a run, and runs in which something waits. */
const FILTER_STATUSES = [...RUN_STATUSES, "waiting"] as const;

/** Options of a filter. */
export const FILTER_OPTIONS = {
  task: { takes: "TASK", means: "task", help: "runs of this root task" },
  status: {
    takes: "STATUS",
    help: `in this state, or one of several, comma separated: ${FILTER_STATUSES.join(", ")} (for a person, a run or a time)`,
  },
  source: { takes: "SOURCE", values: TRIGGER_SOURCES, help: "triggered so" },
  tag: { takes: "TAG", several: true, help: "with this tag; given again: with all of them" },
  late: { help: "not final by the late_after of the task" },
  since: { takes: "TIME", help: "created since: a duration ago (2h, 7d), or a time in ISO 8601" },
  until: { takes: "TIME", help: "created before, in the same way" },
} as const;

/** Reads a filter; null if no option was given. Throws `UsageError` for invalid values. */
export function readFilter(values: Values<typeof FILTER_OPTIONS>, now: number): RunFilter | null {
  const { task, status, source, tag, late, since, until } = values;
  if ([task, status, source, tag, late, since, until].every((value) => value === undefined))
    return null;
  return {
    task,
    status: status?.split(",").map((text) => oneOf("status", FILTER_STATUSES, text.trim())),
    source: source === undefined ? undefined : oneOf("source", TRIGGER_SOURCES, source),
    tag,
    late,
    createdAfter: readTime("since", since, now),
    createdBefore: readTime("until", until, now),
  };
}

/**
 * Reads a whole number within these bounds, both included; undefined if not given. Throws
 * `UsageError`.
 */
export function readNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name}: expected a number from ${least} to ${most}, given ${text}`);
}

/** Checks a duration and returns it as given. Throws `UsageError` for an invalid one. */
export function readDuration(name: string, text: string | undefined): string | undefined {
  if (text === undefined || parseDuration(text) !== null) return text;
  throw new UsageError(`--${name}: expected a duration such as 30s, 5m, 2h or 7d, given ${text}`);
}

function oneOf<const Known extends string>(
  name: string,
  known: readonly Known[],
  given: string,
): Known {
  const found = known.find((value) => value === given);
  if (found !== undefined) return found;
  throw new UsageError(`--${name}: expected one of ${known.join(", ")}, given ${given}`);
}

/** Reads a time in ISO 8601, or a duration before `now`. Throws `UsageError`. */
export function readTime(name: string, text: string | undefined, now: number): Date | undefined {
  if (text === undefined) return undefined;
  const agoMs = parseDuration(text);
  const time = new Date(
    agoMs === null ? (/^\d{4}-\d\d-\d\d/.test(text) ? text : Number.NaN) : now - agoMs,
  );
  if (!Number.isNaN(time.getTime())) return time;
  throw new UsageError(
    `--${name}: expected a duration such as 2h, or a time such as 2026-11-22T08:00:00Z, ` +
      `given ${text}`,
  );
}

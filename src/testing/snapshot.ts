/** Copies of runs that are the same each time: no ids, no times of the clock on the wall. */
import type { RunState } from "./run-state.ts";

/** A run for a snapshot. */
export interface RunSnapshot {
  readonly task: string;
  readonly status: string;
  readonly source: string;
  readonly payload: unknown;
  readonly tasks: Readonly<Record<string, TaskSnapshot>>;
  readonly logs?: readonly string[];
}

/** A task for a snapshot. */
export interface TaskSnapshot {
  readonly status: string;
  readonly reason?: string;
  readonly attempts?: readonly string[];
  readonly passed?: unknown;
  readonly items?: string;
}

/** The ids of runs in a text. */
export const RUN_ID = /\brun_[0-9a-hjkmnp-tv-z]{26}\b/g;

/** Returns the copy. Ids of runs are `<run 1>` and so on, by their first appearance. */
export function runSnapshot({ document, passed, payload, logs }: RunState): RunSnapshot {
  const startedAt = Date.parse(document.created_at);
  const names = new Map<string, string>();
  const nameOf = (id: string): string => {
    const name = names.get(id) ?? `<run ${names.size + 1}>`;
    names.set(id, name);
    return name;
  };
  nameOf(document.run_id);
  const stable = (text: string): string => text.replaceAll(RUN_ID, nameOf);
  const value = (of: unknown): unknown => stableValue(of, stable);
  const since = (at: string): string => `+${(Date.parse(at) - startedAt) / 1_000}s`;
  return {
    task: document.task,
    status: document.status,
    source: document.trigger.source,
    payload: value(payload),
    tasks: Object.fromEntries(
      document.tasks.map(({ task, status, reason, attempts, each }) => [
        task,
        {
          status,
          ...(reason !== null && { reason: stable(reason) }),
          ...(attempts.length > 0 && {
            attempts: attempts.map(({ status: ended, started_at, error }) =>
              stable(
                `${since(started_at)} ${ended}${error === null ? "" : `: ${error.name}: ${error.message}`}`,
              ),
            ),
          }),
          ...(each !== undefined && {
            items: `${each.succeeded} of ${each.total} succeeded, ${each.failed} failed`,
          }),
          ...(passed.has(task) && { passed: value(passed.get(task)) }),
        },
      ]),
    ),
    ...(logs.length > 0 && {
      logs: logs.map(({ task, level, message }) => `${task}: ${level}: ${stable(message)}`),
    }),
  };
}

function stableValue(value: unknown, stable: (text: string) => string): unknown {
  if (typeof value === "string") return stable(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return `<${value.byteLength} bytes>`;
  if (Array.isArray(value)) {
    const parts: readonly unknown[] = value;
    return parts.map((part) => stableValue(part, stable));
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Blob) return `<${value.size} bytes>`;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, stableValue(part, stable)]),
  );
}

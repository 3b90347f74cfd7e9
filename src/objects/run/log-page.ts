/** Pages of a task's log lines: attempt by attempt, each in the order of writing. */
import type { AttemptRecord, LogRef } from "../../domain/run/attempt.ts";
import { readLogs } from "./store-settlement.ts";
import type { LiveAttempt } from "./live-attempts.ts";
import type { LogLine } from "./settlement-rpc.ts";
import type { LogQuery, LogPlace, TaskLogs } from "./run-documents-rpc.ts";
import type { Journal } from "./journal.ts";

/** Query for all lines of all attempts. */
export const ALL_LINES: LogQuery = {
  attempt: null,
  from: { attempt: 0, line: 0 },
  limit: Number.MAX_SAFE_INTEGER,
};

interface Log {
  readonly count: number;
  readonly dropped: number;
  readonly read: () => readonly LogLine[];
}

type Line = TaskLogs["logs"][number];

/**
 * Returns a page. Reads the bytes only of attempts with lines on the page; `live` is the report of
 * the running attempt.
 */
export function logPage(
  attempts: readonly AttemptRecord[],
  journal: Journal,
  query: LogQuery,
  live: LiveAttempt | null,
): TaskLogs {
  const lines: Line[] = [];
  let dropped = 0;
  let next: LogPlace | null = null;
  for (const { attempt, logs } of attempts) {
    const log = logs === null ? liveLog(attempt, live) : storedLog(logs, journal);
    if (log === null || (query.attempt !== null && attempt !== query.attempt)) continue;
    dropped += log.dropped;
    if (attempt < query.from.attempt || log.count === 0) continue;
    const first = attempt === query.from.attempt ? query.from.line : 0;
    const room = query.limit - lines.length;
    if (room > 0 && first < log.count) {
      const kept = log.read().slice(first, first + room);
      lines.push(
        ...kept.map((line) => ({ ...line, at: new Date(line.at).toISOString(), attempt })),
      );
    }
    if (next === null && first + room < log.count)
      next = { attempt, line: first + Math.max(0, room) };
  }
  return { logs: lines, dropped, next };
}

function storedLog({ seq, offset, size, lines, dropped }: LogRef, journal: Journal): Log {
  return {
    count: lines,
    dropped,
    read: () => readLogs(journal.read(seq, offset, size) ?? new Uint8Array(0)),
  };
}

function liveLog(attempt: number, live: LiveAttempt | null): Log | null {
  if (live?.attempt !== attempt) return null;
  return { count: live.lines.length, dropped: live.dropped, read: () => live.lines };
}

/** The log lines of a task, page by page: those of its attempts one after the other, each in the order in which it wrote them. */
import type { AttemptRecord } from "../core/run.ts";
import { readLogs } from "./intake.ts";
import type { LogQuery, LogPlace, TaskLogs } from "./run-rpc.ts";
import type { RunStore } from "./store.ts";

export const ALL_LINES: LogQuery = { attempt: null, from: { attempt: 0, line: 0 }, limit: Number.MAX_SAFE_INTEGER };

type Line = TaskLogs["logs"][number];

/** A page of them. Bytes are read of the attempts only whose lines are in it. */
export function logPage(attempts: readonly AttemptRecord[], store: RunStore, query: LogQuery): TaskLogs {
  const lines: Line[] = [];
  let dropped = 0;
  let next: LogPlace | null = null;
  for (const { attempt, logs } of attempts) {
    if (logs === null || (query.attempt !== null && attempt !== query.attempt)) continue;
    dropped += logs.dropped;
    if (attempt < query.from.attempt || logs.lines === 0) continue;
    const first = attempt === query.from.attempt ? query.from.line : 0;
    const room = query.limit - lines.length;
    if (room > 0 && first < logs.lines) {
      const bytes = store.read(logs.seq, logs.offset, logs.size) ?? new Uint8Array(0);
      const kept = readLogs(bytes).slice(first, first + room);
      lines.push(...kept.map((line) => ({ ...line, at: new Date(line.at).toISOString(), attempt })));
    }
    if (next === null && first + room < logs.lines) next = { attempt, line: first + Math.max(0, room) };
  }
  return { logs: lines, dropped, next };
}

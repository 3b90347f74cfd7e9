/** Summaries of runs that nobody has started, for the catalog. */
import { runIdFromBytes, type RunId } from "../../src/domain/ids.ts";
import type { RunSummary } from "../../src/domain/run/summary.ts";
import type { RunStatus } from "../../src/domain/statuses.ts";

/** The id of the run of this number; ids are not in the order of the numbers. */
export function numberedRunId(number: number): RunId {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, Math.imul(number, 0x9e3779b1));
  new DataView(bytes.buffer).setUint32(4, number);
  return runIdFromBytes(bytes);
}

const REVISIONS: Readonly<Record<RunStatus, number>> = { queued: 0, running: 1, succeeded: 2, failed: 2, cancelled: 2 };

export const RETENTION_MS = 30 * 86_400_000;

/** A run as it tells itself in this status: it began after 10 ms and took 100 ms, unless `given` says otherwise. */
export function summaryOf(id: RunId, status: RunStatus, given: Partial<RunSummary> = {}): RunSummary {
  const createdAt = given.createdAt ?? Date.now();
  const isFinal = status !== "queued" && status !== "running";
  const finishedAt = given.finishedAt ?? (isFinal ? createdAt + 110 : null);
  return {
    id,
    task: "busy",
    revision: REVISIONS[status],
    status,
    source: "api",
    by: "test",
    parent: null,
    createdAt,
    startedAt: status === "queued" ? null : createdAt + 10,
    finishedAt,
    forgetAt: finishedAt === null ? null : finishedAt + RETENTION_MS,
    failedTasks: status === "failed" ? ["busy"] : [],
    attempts: isFinal ? { busy: { [status]: 1, "4": 1, ms: 100 } } : {},
    ...given,
  };
}

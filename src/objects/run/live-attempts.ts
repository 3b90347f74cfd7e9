/**
 * Progress and log lines of running attempts, in memory only. If the object is reset, the next
 * report starts from the beginning. An attempt's entry is dropped at its settlement, which brings
 * all lines and the progress for the journal.
 */
import { entryOf, type Run } from "../../domain/run/state.ts";
import { type Progress } from "../../domain/run/attempt.ts";
import { type RunChange } from "../../domain/run/run-change.ts";
import type { AttemptReport, LogLine, ReportAnswer, Settlement } from "./settlement-rpc.ts";

/**
 * Limit for log lines of all attempts, in bytes. Further lines reach subscribers, and are stored
 * only by the settlement.
 */
const MAX_BYTES = 4_000_000;

/** Reports of one running attempt. */
export interface LiveAttempt {
  readonly attempt: number;
  readonly token: number;
  readonly progress: Progress | null;
  readonly lines: readonly LogLine[];
  /** Number of reported lines, including lines not kept here. */
  readonly reported: number;
  readonly dropped: number;
  readonly bytes: number;
}

const NOTHING = { lines: [], progress: null, reported: 0, dropped: 0, bytes: 0 } as const;

/** The update in a report. */
export interface AttemptUpdate {
  readonly ordinal: number;
  readonly attempt: number;
  readonly progress: Progress | null;
  readonly lines: readonly LogLine[];
  /** Total of dropped lines, if the total has grown. */
  readonly dropped: { readonly count: number; readonly at: number } | null;
}

export class LiveAttempts {
  readonly #attempts = new Map<number, LiveAttempt>();
  readonly #publish: (run: Run, update: AttemptUpdate) => void;
  #bytes = 0;

  /** `publish` receives each update. */
  constructor(publish: (run: Run, update: AttemptUpdate) => void) {
    this.#publish = publish;
  }

  /** Returns the reports of the task's running attempt; null: nothing is known. */
  of(ordinal: number): LiveAttempt | null {
    return this.#attempts.get(ordinal) ?? null;
  }

  progressOf(ordinal: number): Progress | null {
    return this.of(ordinal)?.progress ?? null;
  }

  /** Records a report. An attempt without the lease is told so, and its report is ignored. */
  take(run: Run, report: AttemptReport): ReportAnswer {
    const { ordinal, attempt, token } = report;
    const state = entryOf(run, ordinal)?.state;
    if (state?.status !== "running" || state.attempt !== attempt || state.token !== token)
      return { lines: 0, over: state?.status === "cancelled" ? "cancelled" : "superseded" };
    const known = this.#attempts.get(ordinal);
    const before = known?.token === token ? known : NOTHING;
    // Refuses a gap: a missing line would look as if never written.
    if (report.from > before.reported) return { lines: before.reported, over: null };
    const lines = report.lines.slice(before.reported - report.from);
    const size = lines.length === 0 ? 0 : JSON.stringify(lines).length;
    const isKept = before.lines.length === before.reported && this.#bytes + size <= MAX_BYTES;
    const bytes = before.bytes + (isKept ? size : 0);
    const reported = before.reported + lines.length;
    const progress = report.progress ?? before.progress;
    this.#bytes += bytes - (known?.bytes ?? 0);
    this.#attempts.set(ordinal, {
      attempt,
      token,
      progress,
      lines: isKept ? [...before.lines, ...lines] : before.lines,
      reported,
      dropped: report.dropped,
      bytes,
    });
    const isNewProgress =
      report.progress !== undefined && report.progress.at !== before.progress?.at;
    const update = {
      ordinal,
      attempt,
      progress: isNewProgress ? progress : null,
      lines,
      dropped:
        report.dropped > before.dropped
          ? { count: report.dropped, at: lines.at(-1)?.at ?? run.createdAt }
          : null,
    };
    if (update.progress !== null || lines.length > 0 || update.dropped !== null)
      this.#publish(run, update);
    return { lines: reported, over: null };
  }

  /** Drops the attempts that a change has ended. */
  prune(run: Run, change: RunChange): void {
    if (this.#attempts.size === 0) return;
    // One change cancels all items of a task.
    const isWide = change.run?.finishedAt !== undefined && change.run.finishedAt !== null;
    const ordinals = isWide
      ? [...this.#attempts.keys()]
      : change.tasks.map(({ ordinal }) => ordinal);
    for (const ordinal of ordinals) {
      const known = this.#attempts.get(ordinal);
      const state = entryOf(run, ordinal)?.state;
      if (known === undefined || (state?.status === "running" && state.token === known.token))
        continue;
      this.#attempts.delete(ordinal);
      this.#bytes -= known.bytes;
    }
  }
}

/** Returns the unreported rest of a settled attempt as a report. */
export function lastReportOf(settlement: Settlement): AttemptReport {
  const { ordinal, attempt, token, progress, logs: lines, logsDropped: dropped } = settlement;
  const said = progress === undefined ? {} : { progress };
  return { ordinal, attempt, token, from: 0, lines, dropped, ...said };
}

/**
 * What attempts that are under way have reported: progress and log lines. Memory only. It is gone with the object, then the next
 * report begins anew; and it is not needed once the attempt has settled, which brings all of it for the journal.
 */
import { entryOf, type Progress, type Run, type RunChange } from "../../domain/run/state.ts";
import type { AttemptReport, LogLine, ReportAnswer, Settlement } from "./run-rpc.ts";

/** Of log lines over all attempts; beyond that they are passed on to listeners, and kept only by the settlement. Bytes. */
const MAX_BYTES = 4_000_000;

export interface LiveAttempt {
  readonly attempt: number;
  readonly token: number;
  readonly progress: Progress | null;
  readonly lines: readonly LogLine[];
  /** How many lines it has reported, kept here or not. */
  readonly reported: number;
  readonly dropped: number;
  readonly bytes: number;
}

const NOTHING = { lines: [], progress: null, reported: 0, dropped: 0, bytes: 0 } as const;

/** What a report has brought that was not known. */
export interface News {
  readonly ordinal: number;
  readonly attempt: number;
  readonly progress: Progress | null;
  readonly lines: readonly LogLine[];
  /** How many lines the attempt has dropped so far, if it is more than before. */
  readonly dropped: { readonly count: number; readonly at: number } | null;
}

export class LiveAttempts {
  readonly #attempts = new Map<number, LiveAttempt>();
  readonly #tell: (run: Run, news: News) => void;
  #bytes = 0;

  /** `tell` is called with whatever is new. */
  constructor(tell: (run: Run, news: News) => void) {
    this.#tell = tell;
  }

  /** What the running attempt of this task has said; null: nothing that is known. */
  of(ordinal: number): LiveAttempt | null {
    return this.#attempts.get(ordinal) ?? null;
  }

  progressOf(ordinal: number): Progress | null {
    return this.of(ordinal)?.progress ?? null;
  }

  /** Takes a report in. An attempt that does not hold the lease is told so, and is not heard. */
  take(run: Run, report: AttemptReport): ReportAnswer {
    const { ordinal, attempt, token } = report;
    const state = entryOf(run, ordinal)?.state;
    if (state?.status !== "running" || state.attempt !== attempt || state.token !== token)
      return { lines: 0, over: state?.status === "cancelled" ? "cancelled" : "superseded" };
    const known = this.#attempts.get(ordinal);
    const before = known?.token === token ? known : NOTHING;
    // A line that is missing in between would be taken for one that was never written.
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
    const news = {
      ordinal,
      attempt,
      progress: isNewProgress ? progress : null,
      lines,
      dropped:
        report.dropped > before.dropped
          ? { count: report.dropped, at: lines.at(-1)?.at ?? run.createdAt }
          : null,
    };
    if (news.progress !== null || lines.length > 0 || news.dropped !== null) this.#tell(run, news);
    return { lines: reported, over: null };
  }

  /** Forgets the attempts that a change has ended. */
  prune(run: Run, change: RunChange): void {
    if (this.#attempts.size === 0) return;
    // One change cancels all the items of a task.
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

/** What an attempt had not reported yet when it settled. */
export function lastReportOf({
  ordinal,
  attempt,
  token,
  progress,
  logs,
  logsDropped,
}: Settlement): AttemptReport {
  const said = {
    from: 0,
    lines: logs,
    dropped: logsDropped,
    ...(progress !== undefined && { progress }),
  };
  return { ordinal, attempt, token, ...said };
}

/**
 * How attempts that are under way say how far they have come, and learn that they are over: calls of the run object from time to
 * time, one for all attempts of the invocation. Short tasks never get to it, so it costs them nothing.
 *
 * An attempt reports after its first second, then at most once a second while it has something to say. A quiet one asks whether it
 * is still wanted: each second, and, when it has lived for long, after a tenth of its age, at most every ten seconds. So a cancelled
 * attempt of a minute is told within six seconds, and one of less than ten seconds within about one.
 *
 * Reports may be lost; each brings what the run does not know yet. They change nothing: settling does.
 */
import type { Progress } from "../../domain/run/state.ts";
import type { AttemptReport, Lease, LogLine, ReportAnswer } from "../../objects/run/run-rpc.ts";
import type { Deadlines } from "../attempt/deadlines.ts";

const FIRST_MS = 1_000;
const MAX_PAUSE_MS = 10_000;
/** Those that are due so soon go along. */
const ALONG_MS = 500;

/** What of an attempt is reported. */
export interface ReportedAttempt {
  readonly lease: Lease;
  readonly lines: () => readonly LogLine[];
  readonly dropped: () => number;
  readonly progress: () => Progress | null;
  /** The attempt is over: nobody wants what it does. */
  readonly over: (why: "cancelled" | "superseded") => void;
}

interface Entry {
  readonly attempt: ReportedAttempt;
  readonly startedAt: number;
  saidAt: number;
  dueAt: number;
  /** What the run knows. */
  linesKnown: number;
  progressKnown: Progress | null;
}

export class ReportChannel {
  readonly #deadlines: Deadlines;
  readonly #send: (reports: readonly AttemptReport[]) => Promise<readonly ReportAnswer[]>;
  readonly #entries = new Set<Entry>();
  #tickAt = Number.POSITIVE_INFINITY;
  #isSending = false;

  constructor(
    deadlines: Deadlines,
    send: (reports: readonly AttemptReport[]) => Promise<readonly ReportAnswer[]>,
  ) {
    this.#deadlines = deadlines;
    this.#send = send;
  }

  /** Reports the attempt until `leave` is called. `news`: it has something to say. */
  add(attempt: ReportedAttempt): { readonly news: () => void; readonly leave: () => void } {
    const now = Date.now();
    const entry: Entry = {
      attempt,
      startedAt: now,
      saidAt: now,
      dueAt: now + FIRST_MS,
      linesKnown: 0,
      progressKnown: null,
    };
    this.#entries.add(entry);
    this.#arm(entry.dueAt, now);
    return {
      news: () => {
        const dueAt = entry.saidAt + FIRST_MS;
        if (dueAt >= entry.dueAt) return;
        entry.dueAt = dueAt;
        this.#arm(dueAt, Date.now());
      },
      leave: () => void this.#entries.delete(entry),
    };
  }

  #arm(at: number, now: number): void {
    if (at >= this.#tickAt) return;
    this.#tickAt = at;
    this.#deadlines.set(Math.max(0, at - now), () => this.#tick(at));
  }

  #tick(at: number): void {
    // An earlier one was set meanwhile, and looks after the rest.
    if (at !== this.#tickAt) return;
    this.#tickAt = Number.POSITIVE_INFINITY;
    const now = Date.now();
    const due = [...this.#entries].filter(({ dueAt }) => dueAt <= now + ALONG_MS);
    if (due.length > 0 && !this.#isSending) void this.#report(due, now);
    const next = Math.min(
      ...Array.from(this.#entries, ({ dueAt }) => Math.max(dueAt, now + ALONG_MS)),
    );
    if (Number.isFinite(next)) this.#arm(next, now);
  }

  async #report(due: readonly Entry[], now: number): Promise<void> {
    this.#isSending = true;
    for (const entry of due) {
      entry.saidAt = now;
      entry.dueAt = now + Math.max(FIRST_MS, Math.min(MAX_PAUSE_MS, (now - entry.startedAt) / 10));
    }
    const said = due.map((entry) => ({ entry, progress: entry.attempt.progress() }));
    try {
      const answers = await this.#send(
        said.map(({ entry, progress }) => reportOf(entry, progress)),
      );
      for (const [index, answer] of answers.entries()) {
        const { entry, progress } = said[index] ?? {};
        if (entry === undefined || progress === undefined || !this.#entries.has(entry)) continue;
        entry.linesKnown = answer.lines;
        entry.progressKnown = progress;
        if (answer.over === null) continue;
        this.#entries.delete(entry);
        entry.attempt.over(answer.over);
      }
    } catch (error) {
      // The next one brings it; and who cannot reach its run is told by its lease.
      console.warn(
        JSON.stringify({ message: "a report of running attempts was lost", error: String(error) }),
      );
    } finally {
      this.#isSending = false;
    }
  }
}

function reportOf(
  { attempt, linesKnown, progressKnown }: Entry,
  progress: Progress | null,
): AttemptReport {
  const { ordinal, attempt: number, token } = attempt.lease;
  return {
    ordinal,
    attempt: number,
    token,
    from: linesKnown,
    lines: attempt.lines().slice(linesKnown),
    dropped: attempt.dropped(),
    ...(progress !== null && progress !== progressKnown && { progress }),
  };
}

/**
 * Reports the progress of running attempts and learns of ended ones: one call of the run object at
 * a time, for all attempts of the invocation. Short tasks never report and pay nothing.
 *
 * An attempt reports after its first second, then at most once a second while there is news. An
 * attempt without news asks whether its result is still wanted: each second, later after a tenth of
 * its age, at most ten seconds apart. A cancelled attempt of one minute is thus notified within six
 * seconds, and a younger one of less than ten seconds within about one second.
 *
 * Reports may be lost: each report contains everything unknown to the run. Reports change no state;
 * only settling does.
 */
import type { Progress } from "../../domain/run/attempt.ts";
import type { AttemptReport, LogLine, ReportAnswer } from "../../objects/run/settlement-rpc.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { Deadlines } from "../attempt/deadlines.ts";
import { hearingFailures } from "../../platform/calls.ts";
import { log } from "../../platform/log.ts";

const FIRST_MS = 1_000;
const MAX_PAUSE_MS = 10_000;
/** Reports due within this time are sent together. Milliseconds. */
const ALONG_MS = 500;

/** The reported state of an attempt. */
export interface ReportedAttempt {
  readonly lease: Lease;
  readonly lines: () => readonly LogLine[];
  readonly dropped: () => number;
  readonly progress: () => Progress | null;
  /** Called when the result of the attempt is no longer wanted. */
  readonly over: (why: "cancelled" | "superseded") => void;
}

interface Entry {
  readonly attempt: ReportedAttempt;
  readonly startedAt: number;
  saidAt: number;
  dueAt: number;
  /** State known to the run. */
  linesKnown: number;
  progressKnown: Progress | null;
}

export class ProgressReporter {
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

  /** Reports the attempt until `leave` is called. `news` announces a new log line or progress. */
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
    // An earlier tick was set meanwhile and handles the rest.
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
      const reports = said.map(({ entry, progress }) => reportOf(entry, progress));
      // Reports take no attempt's time, whichever attempt has armed the timer.
      const answers = await hearingFailures(
        () => undefined,
        () => this.#send(reports),
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
      // The next report contains the same lines; an attempt that cannot reach its run is ended by
      // its lease.
      log("warn", "a report of running attempts was lost", { error });
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

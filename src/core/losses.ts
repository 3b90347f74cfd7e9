/**
 * What becomes of a task whose attempt was lost. It is started again after a pause, and fails for it in two cases only.
 *
 * `worker_lost`: it has killed `DEATHS.sole` workers in a row that ran nothing else. With others in the worker nobody knows whose doing
 * it was. An isolate may die with several workers, so a death also counts for nothing while another attempt of this run died at
 * about the same time; `DEATHS.any` of them count whatever died beside them, or two tasks that both kill would go on for ever.
 * Runs know nothing of one another. Where a task of another run shares the isolate of the one that kills, only chance keeps them
 * apart: pauses of suspects are drawn from a span that grows (`SPREAD_MS`). A task that takes a time `t` is hit once more in about
 * `t / span` of the cases: three times in 1 of 100,000 if it takes 200 ms, in 1 of 30 if it takes 5 s.
 *
 * `unavailable`: for a day it came to nothing. What was lost to the surroundings counts as nothing, however often; but nothing
 * repeats for ever.
 *
 * That a worker has died, and was alone, is known from its executor object, whose alarm is called again. A lease that runs out says
 * less: the run may have been out of reach. Whose doing it was may be known later: an attempt that was taken for dead and ends after
 * all has not killed its worker, and an object may be late to say that it has died.
 */
import { lostInARow, sinceProgress } from "./blame.ts";
import type { Decision } from "./decision.ts";
import { methodMs } from "./graph.ts";
import { fractionOf } from "./retry.ts";
import { isFinal, type AttemptRecord, type FailReason, type LostTo, type Run } from "./run.ts";
import type { SettledAttempt } from "./run-event.ts";

/** So many deaths of workers in a row, of those that it had alone, end a task: without another death beside them, or in any case. */
export const DEATHS = { sole: 3, any: 10 } as const;

/** A task of which every attempt was lost is given up after that time, and at least so many attempts. */
export const GIVEN_UP_AFTER = { ms: 86_400_000, losses: 10 } as const;

/** The next attempt of a suspect begins at a random time in this span, after one, two, or more losses in a row. */
const SPREAD_MS = [2_000, 15_000, 45_000] as const;

/** It begins at the latest so long after its time-out would have ended the lost one, less what it takes to begin. */
const RESTART_MS = { latest: 30_000, margin: 2_000 } as const;

/** Pauses after a loss to the surroundings: the first is followed by none. */
const PAUSE_MS = { first: 250, most: 300_000 } as const;

/**
 * The task whose attempt was lost goes on later, or fails. `isTold`: the object in which it ran has said so; else its lease has run
 * out. An item of a task that is about to fail is cancelled like all that wait with it (`Decision`).
 */
export function afterLoss(
  decision: Decision,
  ordinal: number,
  ended: AttemptRecord,
  { to: lostTo, isTold }: { readonly to: Exclude<LostTo, "deploy">; readonly isTold: boolean },
): void {
  const { run, now } = decision;
  const entry = decision.entry(ordinal);
  const state = decision.stateOf(ordinal);
  const isAlone = lostTo === "worker" && isTold && state?.status === "running" && state.holder !== undefined;
  const attempt: AttemptRecord = { ...ended, lostTo, ...(isAlone && { alone: true }) };
  const before = sinceProgress(entry).filter((earlier) => earlier.attempt < ended.attempt);
  const row = lostInARow([...before, attempt]);
  const reason = failReason(run, ordinal, row, now);
  if (reason !== null) return decision.end(ordinal, { status: "failed", finishedAt: now, reason }, attempt);
  const losses = row.filter((lost) => lost.lostTo === lostTo).length;
  const mostMs = ended.startedAt + methodMs(entry.task) + RESTART_MS.latest - RESTART_MS.margin - now;
  const pauseMs =
    lostTo === "worker"
      ? spreadMs(losses, Math.max(0, mostMs), fractionOf(`${run.id}/${ordinal}/${attempt.attempt}`))
      : pauseAfter(losses);
  if (pauseMs === 0) decision.makeReady(ordinal, attempt);
  else decision.set(ordinal, { status: "retrying", retryAt: now + pauseMs }, attempt);
}

/** Why a task with these lost attempts in a row fails; null: it does not. */
function failReason(run: Run, ordinal: number, row: readonly AttemptRecord[], now: number): FailReason | null {
  const deaths = row.filter(({ alone }) => alone === true);
  if (deaths.length >= DEATHS.any) return "worker_lost";
  if (deaths.length >= DEATHS.sole && deaths.filter((death) => isSole(run, ordinal, death)).length >= DEATHS.sole)
    return "worker_lost";
  const [first] = row;
  const isOver = first !== undefined && now - first.startedAt >= GIVEN_UP_AFTER.ms;
  return isOver && row.length >= GIVEN_UP_AFTER.losses ? "unavailable" : null;
}

/** Whether no other attempt of this run that was lost to its worker was under way at the same time. */
function isSole(run: Run, ordinal: number, { startedAt, finishedAt }: AttemptRecord): boolean {
  const isBeside = (other: AttemptRecord): boolean =>
    other.lostTo === "worker" && other.startedAt <= (finishedAt ?? startedAt) && (other.finishedAt ?? 0) >= startedAt;
  const isClear = ({ attempts }: Run["tasks"][number], index: number): boolean =>
    index === ordinal || !attempts.some(isBeside);
  return run.tasks.every(isClear) && run.items.every((item, index) => isClear(item, run.tasks.length + index));
}

function spreadMs(losses: number, mostMs: number, fraction: number): number {
  const spanMs = SPREAD_MS[Math.min(losses, SPREAD_MS.length) - 1] ?? 0;
  return Math.round(Math.min(spanMs, mostMs) * fraction);
}

function pauseAfter(losses: number): number {
  return losses === 1 ? 0 : Math.min(PAUSE_MS.most, PAUSE_MS.first * 2 ** (losses - 2));
}

/** Takes note of what became of an attempt whose lease had run out: its worker has died alone, or was alive. */
export function learnLate(decision: Decision, { ordinal, attempt, outcome }: SettledAttempt): void {
  const state = decision.stateOf(ordinal);
  const { attempts, retriedAfter } = decision.entry(ordinal);
  const record = attempts[attempt - 1];
  // What was before a retry in place counts no more.
  if (
    state === null ||
    isFinal(state) ||
    attempt <= retriedAfter ||
    record?.lostTo !== "worker" ||
    record.alone === true
  )
    return;
  // Only executor objects know of a death.
  const hasDied = outcome.type === "lost" && outcome.to === "worker";
  decision.set(ordinal, state, { ...record, ...(hasDied ? { alone: true } : { lostTo: "surroundings" }) });
}

/**
 * What becomes of a task whose attempt was lost. It is started again after a pause, and fails for it in two cases only.
 *
 * `worker_lost`: it has killed `DEATHS.sole` workers in a row that ran nothing else. With others in the worker nobody knows whose doing
 * it was. An isolate, or on the local runtime the whole process, may die with many workers of many runs, so a death also counts for
 * nothing while anybody else died at about the same time: another attempt of this run (`isSole`), or one of any other run. Runs know
 * nothing of one another; a witness does (objects/deaths/deaths-object.ts). Whoever learns of a death notes it there, and an executor object
 * asks which deaths of its task were its own alone (`sole`). Of the newest one nobody can tell yet, since others may be about to
 * be told of; so it is `beside` others until the next answer, and only where it would decide the object waits for it.
 *
 * `DEATHS.any` deaths count whatever died beside them, or two tasks that both kill would go on for ever; but those do not of which the
 * witness knows the cause (`explained`): another task died beside them that has killed its worker alone at another time.
 *
 * A suspect that has died again is tried (see trials.ts): its next attempt begins while no other suspect's does, and at the latest when
 * its pause is over. Spans of pauses grow (`SPREAD_MS`), as far as the time-out of the task lets them: so a long task is still waiting
 * when the short ones that kill have had their three deaths. Where no witness can be asked the pauses alone keep them apart, each drawn
 * by itself: a task that takes a time `t` is hit once more by one that kills at once in about `t / span` of the cases.
 *
 * `unavailable`: for a day it came to nothing. What was lost to the surroundings counts as nothing, however often; but nothing
 * repeats for ever.
 *
 * That a worker has died, and was alone, is known from its executor object, whose alarm is called again. A lease that runs out says
 * less: the run may have been out of reach. Whose doing it was may be known later: an attempt that was taken for dead and ends after
 * all has not killed its worker, and an object may be late to say that it has died.
 */
import { lostInARow, sinceProgress, startExecutor, trialOf } from "./blame.ts";
import type { Decision } from "./transition.ts";
import { methodMs } from "../plan/run-graph.ts";
import { fractionOf } from "./retry-delay.ts";
import { isFinal, type AttemptRecord, type FailReason, type LostTo, type Run } from "./state.ts";
import type { LostOutcome, SettledAttempt } from "./machine-events.ts";
import type { Pause } from "../trials.ts";

/** So many deaths of workers in a row, of those that it had alone, end a task: without another death beside them, or in any case. */
export const DEATHS = { sole: 3, any: 10 } as const;

/** A task of which every attempt was lost is given up after that time, and at least so many attempts. */
export const GIVEN_UP_AFTER = { ms: 86_400_000, losses: 10 } as const;

/** The next attempt of a suspect begins at a random time in this span, after one, two, or more losses in a row. */
const SPREAD_MS = [2_000, 15_000, 45_000, 120_000, 300_000, 840_000] as const;

/** It begins at the latest so long after its time-out would have ended the lost one, less what it takes to begin. */
const RESTART_MS = { latest: 30_000, margin: 2_000 } as const;

/** Pauses after a loss to the surroundings: the first is followed by none. */
const PAUSE_MS = { first: 250, most: 300_000 } as const;

/** What a witness says of the deaths of a task, by attempt. */
interface Verdict {
  readonly sole: readonly number[] | undefined;
  readonly explained: readonly number[];
}

interface Loss {
  readonly to: Exclude<LostTo, "deploy">;
  readonly isTold: boolean;
  readonly sole?: readonly number[] | undefined;
  readonly explained?: readonly number[] | undefined;
}

/**
 * The task whose attempt was lost goes on later, or fails. `isTold`: the object in which it ran has said so; else its lease has run
 * out. `sole`: which attempts of it have died while nobody else did, as far as a witness knows; absent: none was asked.
 * An item of a task that is about to fail is cancelled like all that wait with it (`Decision`).
 */
export function afterLoss(
  decision: Decision,
  ordinal: number,
  ended: AttemptRecord,
  { to: lostTo, isTold, sole, explained = [] }: Loss,
): void {
  const { run, now } = decision;
  const entry = decision.entry(ordinal);
  const state = decision.stateOf(ordinal);
  const isAlone =
    lostTo === "worker" && isTold && state?.status === "running" && state.holder !== undefined;
  const attempt = withDeath({ ...ended, lostTo }, isAlone, { sole, explained });
  const before = sinceProgress(entry)
    .filter((earlier) => earlier.attempt < ended.attempt)
    .map((earlier) => clearedBy(earlier, { sole, explained }));
  for (const earlier of before)
    if (state !== null && earlier !== entry.attempts[earlier.attempt - 1])
      decision.set(ordinal, state, earlier);
  const row = lostInARow([...before, attempt]);
  const reason = failReason(run, ordinal, row, now);
  if (reason !== null)
    return decision.end(ordinal, { status: "failed", finishedAt: now, reason }, attempt);
  const losses = row.filter((lost) => lost.lostTo === lostTo).length;
  const mostMs =
    ended.startedAt + methodMs(entry.task) + RESTART_MS.latest - RESTART_MS.margin - now;
  const pause =
    lostTo === "worker"
      ? spread(losses, Math.max(0, mostMs), fractionOf(`${run.id}/${ordinal}/${attempt.attempt}`))
      : { drawnMs: pauseAfter(losses), mostMs: 0 };
  const trial = lostTo === "worker" ? trialOf(entry.task, row, pause) : null;
  const pauseMs = trial === null ? pause.drawnMs : pause.mostMs;
  if (pauseMs === 0) return decision.makeReady(ordinal, attempt);
  decision.set(ordinal, { status: "retrying", retryAt: now + pauseMs }, attempt);
  if (trial !== null) decision.effect(startExecutor(run, ordinal, attempt.attempt + 1, 0, trial));
}

/**
 * The record of an attempt whose worker has died, if it was alone there; as its own doing only if it is known that nobody else died, and
 * as no death of its own at all if one has died beside it that is known to kill.
 */
function withDeath(
  record: AttemptRecord,
  isAlone: boolean,
  { sole, explained }: Verdict,
): AttemptRecord {
  if (!isAlone || explained.includes(record.attempt)) return record;
  const isShared = sole !== undefined && !sole.includes(record.attempt);
  return { ...record, alone: true, ...(isShared && { beside: true }) };
}

/** The record of an earlier death, now that it is known that nobody else has died then, or whose doing it was. */
function clearedBy(record: AttemptRecord, { sole, explained }: Verdict): AttemptRecord {
  if (record.beside !== true) return record;
  const { beside: _, ...own } = record;
  if (sole?.includes(record.attempt) === true) return own;
  const { alone: __, ...rest } = own;
  return explained.includes(record.attempt) ? rest : record;
}

/** Why a task with these lost attempts in a row fails; null: it does not. */
function failReason(
  run: Run,
  ordinal: number,
  row: readonly AttemptRecord[],
  now: number,
): FailReason | null {
  const deaths = row.filter(({ alone }) => alone === true);
  if (deaths.length >= DEATHS.any) return "worker_lost";
  if (
    deaths.length >= DEATHS.sole &&
    deaths.filter((death) => isSole(run, ordinal, death)).length >= DEATHS.sole
  )
    return "worker_lost";
  const [first] = row;
  const isOver = first !== undefined && now - first.startedAt >= GIVEN_UP_AFTER.ms;
  return isOver && row.length >= GIVEN_UP_AFTER.losses ? "unavailable" : null;
}

/** Whether no other attempt, of this run or as far as the witness knows of another, was lost to its worker at the same time. */
function isSole(
  run: Run,
  ordinal: number,
  { startedAt, finishedAt, beside }: AttemptRecord,
): boolean {
  if (beside === true) return false;
  const isBeside = (other: AttemptRecord): boolean =>
    other.lostTo === "worker" &&
    other.startedAt <= (finishedAt ?? startedAt) &&
    (other.finishedAt ?? 0) >= startedAt;
  const isClear = ({ attempts }: Run["tasks"][number], index: number): boolean =>
    index === ordinal || !attempts.some(isBeside);
  return (
    run.tasks.every(isClear) &&
    run.items.every((item, index) => isClear(item, run.tasks.length + index))
  );
}

function spread(losses: number, mostMs: number, fraction: number): Pause {
  const spanMs = Math.min(mostMs, SPREAD_MS[Math.min(losses, SPREAD_MS.length) - 1] ?? 0);
  return { drawnMs: Math.round(spanMs * fraction), mostMs: spanMs };
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
  const { sole, explained = [] }: Partial<LostOutcome> = outcome.type === "lost" ? outcome : {};
  const died = withDeath(record, true, { sole, explained });
  decision.set(ordinal, state, hasDied ? died : { ...record, lostTo: "surroundings" });
}

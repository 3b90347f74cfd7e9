/**
 * Handling of lost attempts. The task restarts after a delay and fails in two cases only.
 *
 * `worker_lost`: the task has killed `DEATHS.sole` workers in a row which ran nothing else. In a
 * shared worker nobody can tell the culprit. An isolate, or the whole process on the local runtime,
 * may die with many workers of many runs. So a death counts for nothing while another attempt died
 * at about the same time: of this run (`isSole`), or of any other run. Runs know nothing of one
 * another; a witness does (objects/deaths/deaths-object.ts). Every known death is reported to the
 * witness, and an executor object asks for the deaths its task suffered alone (`sole`). The newest
 * death is still undecided, since further reports may follow. The death is marked `beside` until
 * the next answer; the object waits only where the answer decides.
 *
 * `DEATHS.any` deaths count despite deaths beside them, or two killers would protect each other for
 * ever. Deaths with a known cause (`explained`) do not count: another task died beside them and has
 * killed its worker alone at another time.
 *
 * A suspect with repeated deaths is tried (see trials.ts): its next attempt starts while no other
 * suspect starts, and at the end of its delay at the latest. Delay spans grow (`SPREAD_MS`) up to
 * the timeout of the task, so a long task still waits while short killers reach their three deaths.
 * Without a reachable witness the random delays alone separate suspects: a task of duration `t` is
 * hit again by an instant killer in about `t / span` of the cases.
 *
 * `unavailable`: no attempt succeeded for a day. A loss to the infrastructure never counts as a
 * death, but no loop repeats for ever.
 *
 * An executor object knows of a sole death, since its alarm is called again. An expired lease
 * proves less: the run may have been unreachable. The cause may become known later: a late settle
 * clears an attempt, and an object may report a death late.
 */
import { endTask, makeReady } from "./cascade.ts";
import { lostInARow, sinceProgress, startExecutor, trialOf } from "./blame.ts";
import type { Transition } from "./transition.ts";
import { methodMs } from "../plan/run-graph.ts";
import { fractionOf } from "./retry-delay.ts";
import { isFinal, type FailReason } from "./task-state.ts";
import { type AttemptRecord, type LostTo } from "./attempt.ts";
import { type Run } from "./state.ts";
import type { LostOutcome, SettledAttempt } from "./machine-events.ts";
import type { Pause } from "../trials.ts";

/**
 * Deaths in a row before a task fails: sole deaths, or deaths of any kind in a worker of its own.
 */
export const DEATHS = { sole: 3, any: 10 } as const;

/** Minimum time and number of lost attempts before the task is given up. */
export const GIVEN_UP_AFTER = { ms: 86_400_000, losses: 10 } as const;

/** Span of the random delay after one, two, or more losses in a row. */
const SPREAD_MS = [2_000, 15_000, 45_000, 120_000, 300_000, 840_000] as const;

/** Latest restart after the lost attempt's timeout, less the time to begin. */
const RESTART_MS = { latest: 30_000, margin: 2_000 } as const;

/** Delay after a loss to the infrastructure; the first loss has none. */
const PAUSE_MS = { first: 250, most: 300_000 } as const;

/** Answer of the witness about the deaths of a task, by attempt. */
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
 * Restarts or fails a task after a lost attempt. `isTold`: the executor object reported the loss;
 * otherwise the lease expired. `sole`: attempts which died alone, according to the witness; absent
 * without a question. Waiting items of a failing task are cancelled by the transition.
 */
export function afterLoss(
  transition: Transition,
  ordinal: number,
  ended: AttemptRecord,
  { to: lostTo, isTold, sole, explained = [] }: Loss,
): void {
  const { run, now } = transition;
  const entry = transition.entry(ordinal);
  const state = transition.stateOf(ordinal);
  const isAlone =
    lostTo === "worker" && isTold && state?.status === "running" && state.holder !== undefined;
  const attempt = withDeath({ ...ended, lostTo }, isAlone, { sole, explained });
  const before = sinceProgress(entry)
    .filter((earlier) => earlier.attempt < ended.attempt)
    .map((earlier) => clearedBy(earlier, { sole, explained }));
  for (const earlier of before)
    if (state !== null && earlier !== entry.attempts[earlier.attempt - 1])
      transition.set(ordinal, state, earlier);
  const row = lostInARow([...before, attempt]);
  const reason = failReason(run, ordinal, row, now);
  if (reason !== null)
    return endTask(transition, ordinal, { status: "failed", finishedAt: now, reason }, attempt);
  const losses = row.filter((lost) => lost.lostTo === lostTo).length;
  const mostMs =
    ended.startedAt + methodMs(entry.task) + RESTART_MS.latest - RESTART_MS.margin - now;
  const pause =
    lostTo === "worker"
      ? spread(losses, Math.max(0, mostMs), fractionOf(`${run.id}/${ordinal}/${attempt.attempt}`))
      : { drawnMs: pauseAfter(losses), mostMs: 0 };
  const trial = lostTo === "worker" ? trialOf(entry.task, row, pause) : null;
  const pauseMs = trial === null ? pause.drawnMs : pause.mostMs;
  if (pauseMs === 0) return makeReady(transition, ordinal, attempt);
  transition.set(ordinal, { status: "retrying", retryAt: now + pauseMs }, attempt);
  if (trial !== null) transition.effect(startExecutor(run, ordinal, attempt.attempt + 1, 0, trial));
}

/**
 * Record of a dead attempt. A shared worker leaves the record unchanged, as does a known killer
 * beside it; `beside` marks a possible death of another attempt.
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

/** Corrects the record of an earlier death by a later answer of the witness. */
function clearedBy(record: AttemptRecord, { sole, explained }: Verdict): AttemptRecord {
  if (record.beside !== true) return record;
  const { beside: _, ...own } = record;
  if (sole?.includes(record.attempt) === true) return own;
  const { alone: __, ...rest } = own;
  return explained.includes(record.attempt) ? rest : record;
}

/** Reason for failing a task with these losses in a row; null to continue. */
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

/**
 * Tests whether no other attempt died at the same time, in this run or according to the witness.
 */
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

/**
 * Corrects the record of an attempt with an expired lease, after its late report: dead alone, or
 * alive.
 */
export function learnLate(
  transition: Transition,
  { ordinal, attempt, outcome }: SettledAttempt,
): void {
  const state = transition.stateOf(ordinal);
  const { attempts, retriedAfter } = transition.entry(ordinal);
  const record = attempts[attempt - 1];
  // Attempts before a retry in place no longer count.
  if (
    state === null ||
    isFinal(state) ||
    attempt <= retriedAfter ||
    record?.lostTo !== "worker" ||
    record.alone === true
  )
    return;
  // Only executor objects report deaths.
  const hasDied = outcome.type === "lost" && outcome.to === "worker";
  const { sole, explained = [] }: Partial<LostOutcome> = outcome.type === "lost" ? outcome : {};
  const died = withDeath(record, true, { sole, explained });
  transition.set(ordinal, state, hasDied ? died : { ...record, lostTo: "surroundings" });
}

/**
 * Tasks whose method is missing in the running code: during a deploy, in a rollback, or after a
 * removal from the pipelines. The attempt is given back without counting, and the task stays
 * `queued` until code with the method claims it.
 *
 *     running ── given back ──▶ queued, blocked by deploy ── claimed by other code ──▶ running
 *                                  │      ▲ │
 *                                  │      └─┘ alarm: sends a message, since no event reports a
 *                                  │          deploy; after half of the time waited, 2 s to 15 min
 *                                  └──▶ failed (`method_missing`), after the run's retention
 *
 * The run remembers deployments without the method and grants them nothing: a message to old code
 * costs a claim and no attempt. The methods of a deployment never change, so the memory never
 * expires.
 */
import { endTask, makeReady } from "./cascade.ts";
import { claimable } from "./leasing.ts";
import type { Transition } from "./transition.ts";
import { underWay } from "./mapped-task.ts";
import { isLimited, isBlockedBy } from "./limit-gate.ts";
import { fractionOf } from "./retry-delay.ts";
import { isFinal } from "./task-state.ts";
import { type AttemptRecord } from "./attempt.ts";
import type { Claimant } from "./machine-events.ts";
import { deployPauseMs } from "../version.ts";

/** Interval between checks for the items of a mapped task waiting behind blocked items. */
const ITEMS_PAUSE_MS = 900_000;

/** Takes back an attempt from code without its method. */
export function giveBack(
  transition: Transition,
  ordinal: number,
  ended: AttemptRecord,
  deployment: string,
): void {
  transition.lacking.note(ofTask(transition, ordinal), deployment);
  waitForDeploy(transition, ordinal, { ...ended, lostTo: "deploy", lackedBy: deployment });
}

/** Looks for code with the method again, or gives up. */
export function askForDeploy(transition: Transition, ordinal: number, since: number): void {
  const { run, now } = transition;
  if (now - since >= run.graph.retentionMs) return giveUp(transition, ordinal);
  blockByDeploy(transition, ordinal, since);
  transition.ready.push(ordinal);
}

/** Fails the task. All items share the method, so the other waiting items fail too. */
function giveUp(transition: Transition, ordinal: number): void {
  const missing = {
    status: "failed",
    finishedAt: transition.now,
    reason: "method_missing",
  } as const;
  endTask(transition, ordinal, missing);
  const { item } = transition.entry(ordinal);
  if (item === undefined) return;
  const others = [...transition.run.active].filter(
    (other) => other !== ordinal && transition.entry(other).item?.of === item.of,
  );
  const isWaiting = (other: number): boolean => {
    const state = transition.stateOf(other);
    return state !== null && (isFinal(state) || isBlockedBy(state, "deploy"));
  };
  // A running item has found code.
  if (!others.every(isWaiting)) return;
  for (const other of others) {
    const state = transition.stateOf(other);
    if (state !== null && !isFinal(state)) endTask(transition, other, missing);
  }
  const each = transition.stateOf(item.of);
  if (each?.status === "each") endTask(transition, item.of, missing);
}

/**
 * Blocks the pending items of a mapped task if code lacks the method and no item runs. Given-back
 * items look for a deploy on behalf of all; without one, the first pending item is blocked instead,
 * or nothing would end the wait. Returns false if nothing is missing.
 */
export function awaitDeployForItems(transition: Transition, of: number): boolean {
  const { each } = transition.entry(of);
  const state = transition.stateOf(of);
  if (
    each === undefined ||
    state?.status !== "each" ||
    !transition.lacking.knows(of) ||
    each.pending === 0
  )
    return false;
  const isWaiting = (ordinal: number): boolean => {
    const entry = transition.entry(ordinal);
    return entry.item?.of !== of || isBlockedBy(entry.state, "deploy");
  };
  if (![...transition.run.active].every(isWaiting)) return false;
  if (underWay(each) === 0) waitForDeploy(transition, each.first + each.cursor);
  transition.set(of, { ...state, redispatchAt: transition.now + ITEMS_PAUSE_MS });
  return true;
}

/**
 * Matches tasks with the claimant's code before a grant. Tasks blocked by a deploy become ready if
 * the code may have the method (limited tasks after acquiring a slot). Tasks without their method
 * in this code are blocked. `only`: restricts the check to one task.
 */
export function matchDeployment(
  transition: Transition,
  { paused, deployment }: Claimant,
  only?: number,
): void {
  if (transition.lacking.isEmpty) return;
  const isAsked = (ordinal: number): boolean => only === undefined || ordinal === only;
  const lacks = (ordinal: number): boolean =>
    transition.lacking.has(ofTask(transition, ordinal), deployment);
  for (const ordinal of transition.run.active) {
    const { state, task } = transition.entry(ordinal);
    const isWaiting = isBlockedBy(state, "deploy") && isAsked(ordinal);
    if (isWaiting && !lacks(ordinal) && paused?.includes(task.name) !== true)
      makeReady(transition, ordinal);
  }
  for (const ordinal of claimable(transition))
    if (isAsked(ordinal) && lacks(ordinal) && needsMethod(transition, ordinal))
      waitForDeploy(transition, ordinal, endLimitedAttempt(transition, ordinal, deployment));
}

/** Collecting outputs needs no method. */
function needsMethod(transition: Transition, ordinal: number): boolean {
  const { task, item } = transition.entry(ordinal);
  return task.each === undefined || item !== undefined;
}

/** Ends the attempt of a limited task, since a waiting task must not keep a slot. */
function endLimitedAttempt(
  transition: Transition,
  ordinal: number,
  lackedBy = "",
): AttemptRecord | undefined {
  const entry = transition.entry(ordinal);
  if (!isLimited(entry)) return undefined;
  const { now } = transition;
  const attempt = entry.attempts.length + 1;
  const ended = {
    status: "lost",
    startedAt: now,
    finishedAt: now,
    error: null,
    logs: null,
  } as const;
  return { attempt, ...ended, lostTo: "deploy", lackedBy };
}

function waitForDeploy(transition: Transition, ordinal: number, attempt?: AttemptRecord): void {
  blockByDeploy(
    transition,
    ordinal,
    waitsSince(transition.entry(ordinal).attempts) ?? transition.now,
    attempt,
  );
}

function blockByDeploy(
  transition: Transition,
  ordinal: number,
  since: number,
  attempt?: AttemptRecord,
): void {
  const { run, now } = transition;
  const { state } = transition.entry(ordinal);
  // Spreads the return of tasks given back together.
  const pauseMs = deployPauseMs(now - since) * (0.5 + fractionOf(`${run.id}/${ordinal}`) / 2);
  const redispatchAt = Math.max(
    now + 1,
    Math.min(now + Math.ceil(pauseMs), since + run.graph.retentionMs),
  );
  const dispatches = state.status === "queued" ? state.dispatches + 1 : 1;
  transition.set(
    ordinal,
    { status: "queued", dispatches, redispatchAt, blockedBy: { for: "deploy", since } },
    attempt,
  );
}

/** Start of the trailing given-back attempts; null without any. */
function waitsSince(attempts: readonly AttemptRecord[]): number | null {
  const last = attempts.findLastIndex(
    ({ lostTo, status }) => lostTo !== "deploy" && status !== "running",
  );
  const first = attempts[last + 1];
  return first?.lostTo === "deploy" ? first.finishedAt : null;
}

function ofTask(transition: Transition, ordinal: number): number {
  return transition.entry(ordinal).item?.of ?? ordinal;
}

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
import type { Decision } from "./transition.ts";
import { underWay } from "./mapped-task.ts";
import { isHeldFirst, isHeldFor } from "./limit-gate.ts";
import { fractionOf } from "./retry-delay.ts";
import { isFinal } from "./task-state.ts";
import { type AttemptRecord } from "./attempt.ts";
import type { Claimant } from "./machine-events.ts";
import { deployPauseMs } from "../version.ts";

/** Interval between checks for the items of a mapped task waiting behind blocked items. */
const ITEMS_PAUSE_MS = 900_000;

/** Takes back an attempt from code without its method. */
export function giveBack(
  decision: Decision,
  ordinal: number,
  ended: AttemptRecord,
  deployment: string,
): void {
  decision.lacking.note(ofTask(decision, ordinal), deployment);
  waitForDeploy(decision, ordinal, { ...ended, lostTo: "deploy", lackedBy: deployment });
}

/** Looks for code with the method again, or gives up. */
export function askForDeploy(decision: Decision, ordinal: number, since: number): void {
  const { run, now } = decision;
  if (now - since >= run.graph.retentionMs) return giveUp(decision, ordinal);
  hold(decision, ordinal, since);
  decision.tellWaiting(ordinal);
}

/** Fails the task. All items share the method, so the other waiting items fail too. */
function giveUp(decision: Decision, ordinal: number): void {
  const missing = { status: "failed", finishedAt: decision.now, reason: "method_missing" } as const;
  decision.end(ordinal, missing);
  const { item } = decision.entry(ordinal);
  if (item === undefined) return;
  const others = [...decision.run.active].filter(
    (other) => other !== ordinal && decision.entry(other).item?.of === item.of,
  );
  const isWaiting = (other: number): boolean => {
    const state = decision.stateOf(other);
    return state !== null && (isFinal(state) || isHeldFor(state, "deploy"));
  };
  // A running item has found code.
  if (!others.every(isWaiting)) return;
  for (const other of others) {
    const state = decision.stateOf(other);
    if (state !== null && !isFinal(state)) decision.end(other, missing);
  }
  const each = decision.stateOf(item.of);
  if (each?.status === "each") decision.end(item.of, missing);
}

/**
 * Blocks the pending items of a mapped task if code lacks the method and no item runs. Given-back
 * items look for a deploy on behalf of all; without one, the first pending item is blocked instead,
 * or nothing would end the wait. Returns false if nothing is missing.
 */
export function awaitDeployForItems(decision: Decision, of: number): boolean {
  const { each } = decision.entry(of);
  const state = decision.stateOf(of);
  if (
    each === undefined ||
    state?.status !== "each" ||
    !decision.lacking.knows(of) ||
    each.pending === 0
  )
    return false;
  const isWaiting = (ordinal: number): boolean => {
    const entry = decision.entry(ordinal);
    return entry.item?.of !== of || isHeldFor(entry.state, "deploy");
  };
  if (![...decision.run.active].every(isWaiting)) return false;
  if (underWay(each) === 0) waitForDeploy(decision, each.first + each.cursor);
  decision.set(of, { ...state, redispatchAt: decision.now + ITEMS_PAUSE_MS });
  return true;
}

/**
 * Matches tasks with the claimant's code before a grant. Tasks blocked by a deploy become ready if
 * the code may have the method (limited tasks after acquiring a slot). Tasks without their method
 * in this code are blocked. `only`: restricts the check to one task.
 */
export function heedDeployment(
  decision: Decision,
  { paused, deployment }: Claimant,
  only?: number,
): void {
  if (decision.lacking.isEmpty) return;
  const isAsked = (ordinal: number): boolean => only === undefined || ordinal === only;
  const lacks = (ordinal: number): boolean =>
    decision.lacking.has(ofTask(decision, ordinal), deployment);
  for (const ordinal of decision.run.active) {
    const { state, task } = decision.entry(ordinal);
    const isWaiting = isHeldFor(state, "deploy") && isAsked(ordinal);
    if (isWaiting && !lacks(ordinal) && paused?.includes(task.name) !== true)
      decision.makeReady(ordinal);
  }
  for (const ordinal of decision.claimable())
    if (isAsked(ordinal) && lacks(ordinal) && needsMethod(decision, ordinal))
      waitForDeploy(decision, ordinal, slotGivenBack(decision, ordinal, deployment));
}

/** Collecting outputs needs no method. */
function needsMethod(decision: Decision, ordinal: number): boolean {
  const { task, item } = decision.entry(ordinal);
  return task.each === undefined || item !== undefined;
}

/** Ends the attempt of a limited task, since a waiting task must not keep a slot. */
function slotGivenBack(
  decision: Decision,
  ordinal: number,
  lackedBy = "",
): AttemptRecord | undefined {
  const entry = decision.entry(ordinal);
  if (!isHeldFirst(entry)) return undefined;
  const { now } = decision;
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

function waitForDeploy(decision: Decision, ordinal: number, attempt?: AttemptRecord): void {
  hold(decision, ordinal, waitsSince(decision.entry(ordinal).attempts) ?? decision.now, attempt);
}

function hold(decision: Decision, ordinal: number, since: number, attempt?: AttemptRecord): void {
  const { run, now } = decision;
  const { state } = decision.entry(ordinal);
  // Spreads the return of tasks given back together.
  const pauseMs = deployPauseMs(now - since) * (0.5 + fractionOf(`${run.id}/${ordinal}`) / 2);
  const redispatchAt = Math.max(
    now + 1,
    Math.min(now + Math.ceil(pauseMs), since + run.graph.retentionMs),
  );
  const dispatches = state.status === "queued" ? state.dispatches + 1 : 1;
  decision.set(
    ordinal,
    { status: "queued", dispatches, redispatchAt, hold: { for: "deploy", since } },
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

function ofTask(decision: Decision, ordinal: number): number {
  return decision.entry(ordinal).item?.of ?? ordinal;
}

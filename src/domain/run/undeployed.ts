/**
 * Tasks whose method the code that was to run them does not have: during a deploy, in a rollback, or since it was taken out of the
 * pipelines. Such an attempt is given back, and counts as nothing; the task waits, `queued`, for code that has the method.
 *
 *     running ── given back ──▶ queued, held for a deploy ── claimed by code that may have it ──▶ running
 *                                   │        ▲
 *                                   └────────┘ alarm: a message is sent, since nothing else tells that a deploy has come;
 *                                   │          after up to half of the time it has waited, 2 s to 15 min
 *                                   └──▶ failed (`method_missing`), when it has waited for the run's retention
 *
 * Deployments that have given a task back are known by their id, and are not granted it again: a message that reaches old code costs
 * a claim and no attempt. The methods of a deployment never change, so nothing of this is ever forgotten.
 */
import type { Decision } from "./transition.ts";
import { underWay } from "./mapped-task.ts";
import { isHeldFirst, isHeldFor } from "./limit-gate.ts";
import { fractionOf } from "./retry-delay.ts";
import { isFinal, type AttemptRecord } from "./state.ts";
import type { Claimant } from "./machine-events.ts";
import { deployPauseMs } from "../version.ts";

/** When the items of an `each` task that wait in the name of all are looked for again. */
const ITEMS_PAUSE_MS = 900_000;

/** The attempt was given back by code without its method. */
export function giveBack(
  decision: Decision,
  ordinal: number,
  ended: AttemptRecord,
  deployment: string,
): void {
  decision.lacking.note(ofTask(decision, ordinal), deployment);
  waitForDeploy(decision, ordinal, { ...ended, lostTo: "deploy", lackedBy: deployment });
}

/** Looks again for code that has the method, or gives up. */
export function askForDeploy(decision: Decision, ordinal: number, since: number): void {
  const { run, now } = decision;
  if (now - since >= run.graph.retentionMs) return giveUp(decision, ordinal);
  hold(decision, ordinal, since);
  decision.tellWaiting(ordinal);
}

/** All items of an `each` task have the same method: the others that wait for it wait in vain too, begun or not. */
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
  // One that runs has found code.
  if (!others.every(isWaiting)) return;
  for (const other of others) {
    const state = decision.stateOf(other);
    if (state !== null && !isFinal(state)) decision.end(other, missing);
  }
  const each = decision.stateOf(item.of);
  if (each?.status === "each") decision.end(item.of, missing);
}

/**
 * Nobody has begun the next items of this `each` task. If there is code that lacks the method, and no item runs, they wait for a deploy
 * like those that were given back, which ask for it in the name of all; where there are none, the first one is held for it too, or
 * nothing would ever end the wait. False: that is not why.
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
 * Before anybody is granted anything: what waits for a deploy may start if the claimant's code may have it, a limited task when it has
 * a slot; and what its code lacks waits. `only`: the one task that is asked for.
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

/** What an `each` task gathers needs no method. */
function needsMethod(decision: Decision, ordinal: number): boolean {
  const { task, item } = decision.entry(ordinal);
  return task.each === undefined || item !== undefined;
}

/** A limited task must not keep its slot while it waits. A slot is that of one attempt: so this one is over. */
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
  // What was given back together does not come back together.
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

/** When the first of the latest attempts was given back that all were; null: the latest was not. */
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

/** Leases: the right of a driver or an executor object to run one attempt. */
import type { AttemptRecord } from "./attempt.ts";
import { isUnblocked } from "./limit-gate.ts";
import type { DriverClaim } from "./machine-events.ts";
import { finishMapped } from "./mapped-items.ts";
import { slotsLeft } from "./mapped-task.ts";
import { isBegunByDrivers, LEASE_GRACE_MS } from "../plan/run-graph.ts";
import { leasesOfCall } from "./repeated-call.ts";
import type { Transition } from "./transition.ts";

/**
 * Concurrent tasks per driver. An invocation has six connections awaiting response headers; a
 * seventh task would wait for other fetches.
 */
export const DRIVER_WIDTH = 6;

/**
 * Grants queued tasks to a driver, if their timeouts fit into its remaining time. A repeated call
 * gets its original leases.
 */
export function grantToDriver(transition: Transition, claim: DriverClaim): void {
  const { leases, run } = transition;
  const { holding, budgetMs, items, call } = claim;
  finishMapped(transition);
  if (call !== undefined) leases.push(...leasesOfCall(run, call));
  if (leases.length > 0) return;
  let room = DRIVER_WIDTH - holding;
  let left = 0;
  for (const ordinal of claimable(transition)) {
    if (transition.laneOf(ordinal) !== "driver") continue;
    if (room > 0 && transition.timeoutMs(ordinal) <= budgetMs) {
      lease(transition, ordinal, { call });
      room -= 1;
    } else {
      left += 1;
      if (room === 0) break;
    }
  }
  left += grantItems(transition, items ?? room, claim);
  if (leases.length === 0) {
    if (left === 0 && transition.changes.size === 0) transition.reject("no_work");
    transition.isDriverLeaving = left > 0 && holding === 0;
  }
}

/** Grants pending items. Returns the number of items left. */
function grantItems(transition: Transition, most: number, claim: DriverClaim): number {
  const { budgetMs, paused, deployment, call } = claim;
  let room = most;
  let left = 0;
  for (const of of transition.knownMapped) {
    const { task } = transition.entry(of);
    if (transition.state(of).status !== "each" || task.each === undefined) continue;
    if (!isBegunByDrivers(task) || transition.lacking.has(of, deployment)) continue;
    if (paused?.includes(task.name) === true) continue;
    const progress = transition.mapped.progress(of);
    if (progress === null) continue;
    const slots = slotsLeft(task.each, progress);
    const wanted = task.timeoutMs <= budgetMs ? Math.min(slots, room) : 0;
    let taken = 0;
    for (let index = progress.cursor; taken < wanted; index += 1) {
      if (transition.state(progress.first + index).status !== "pending") continue;
      lease(transition, progress.first + index, { call });
      taken += 1;
    }
    room -= taken;
    left += slots - taken;
  }
  return left;
}

/** Grants one task to an executor object. A repeated call gets the same lease. */
export function grantToExecutor(transition: Transition, ordinal: number, holder: string): void {
  const state = transition.stateOf(ordinal);
  if (state === null) transition.reject("no_such_task");
  else if (state.status === "running" && state.holder === holder)
    transition.leases.push({ ordinal, attempt: state.attempt, token: state.token });
  else if (!isClaimable(transition, ordinal)) transition.reject("stale_lease");
  else lease(transition, ordinal, { holder });
}

/**
 * Yields claimable ordinals in order of readiness: recorded ones, then those of this transition.
 */
export function* claimable(transition: Transition): Generator<number> {
  for (const ordinal of transition.run.active) {
    const { state } = transition.entry(ordinal);
    if (state.status === "queued" && isClaimable(transition, ordinal)) yield ordinal;
  }
  for (const ordinal of transition.ready) if (isClaimable(transition, ordinal)) yield ordinal;
}

function isClaimable(transition: Transition, ordinal: number): boolean {
  const state = transition.state(ordinal);
  return (
    isUnblocked(transition.entry(ordinal), state, transition.now) &&
    !transition.hasUnknownItems(ordinal)
  );
}

function lease(
  transition: Transition,
  ordinal: number,
  { holder, call }: { readonly holder?: string; readonly call?: string | undefined },
): void {
  const { now, run } = transition;
  const { attempts, task } = transition.entry(ordinal);
  const attempt = attempts.length + 1;
  transition.granted += 1;
  const token = run.lastToken + transition.granted;
  const expiresAt = now + transition.timeoutMs(ordinal) + LEASE_GRACE_MS;
  const record: AttemptRecord = {
    attempt,
    status: "running",
    startedAt: now,
    finishedAt: null,
    error: null,
    logs: null,
    ...(task.external === true && { token }),
  };
  const by = { ...(holder !== undefined && { holder }), ...(call !== undefined && { call }) };
  transition.set(ordinal, { status: "running", attempt, token, expiresAt, ...by }, record);
  transition.leases.push({ ordinal, attempt, token });
}

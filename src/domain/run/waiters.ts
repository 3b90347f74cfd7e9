/**
 * Runs waiting for the end of this run. Notifications are repeated until acknowledged; the run
 * outlives its retention meanwhile, for a day at most.
 */
import type { Transition } from "./transition.ts";
import type { RunId } from "../ids.ts";
import type { NotificationState, Run } from "./state.ts";
import type { Effect } from "./machine-events.ts";
import type { ChangeBuilder } from "./change-builder.ts";

const FIRST_DELAY_MS = 10_000;
const MAX_DELAY_MS = 3_600_000;

/**
 * Notifications before giving up, about a day. The waiting run then asks by itself (see
 * suspension.ts).
 */
const MAX_NOTIFICATIONS = 32;

/**
 * Notifies each waiting run without an acknowledgement. `sent`: number of earlier notifications of
 * this revision. The next reminder follows after 10 s, doubling up to 1 h.
 */
function notifyWaiters(
  waiters: readonly RunId[],
  revision: number,
  sent: number,
  now: number,
): { effect: Effect; notification: NotificationState } {
  const dueAt = now + Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** sent);
  return {
    effect: { type: "notify", runIds: waiters, revision },
    notification: { sent: sent + 1, dueAt },
  };
}

/** Notifies the waiting runs of the end of this run, with growing delays until acknowledged. */
export function notifyOfEnd(run: Run, builder: ChangeBuilder, now: number): Effect[] {
  if (run.waiters.length === 0) return [];
  // The ending transition itself increments the revision.
  const { effect, notification } = notifyWaiters(run.waiters, run.revision + 1, 0, now);
  builder.waiters({ notification });
  return [effect];
}

/** Remembered runs which found this run by its key, at most. */
export const MAX_FINDERS = 100;

/** Subscribes another run. A request to a final run is answered at once. */
export function addWaiter(transition: Transition, by: RunId): void {
  const { run } = transition;
  if (run.open === 0) transition.reject("run_final");
  else if (run.waiters.includes(by)) transition.reject("already_subscribed");
  else
    transition.builder.waiters({
      waiters: [by],
      ...(isParent(transition, by) && { parentKnows: true }),
    });
}

/**
 * Records a run which found this run by its key. This run must exist as long as either may be
 * retried.
 */
export function addFinder(transition: Transition, by: RunId): void {
  const { foundBy, origin } = transition.run;
  if (origin.parent?.runId === by || foundBy.includes(by) || foundBy.length >= MAX_FINDERS)
    transition.reject("already_subscribed");
  else transition.builder.waiters({ foundBy: by });
}

/** Records the parent's knowledge of this run. */
export function recordParentKnows(transition: Transition): void {
  if (transition.run.parentKnows) transition.reject("already_known");
  else transition.builder.waiters({ parentKnows: true });
}

/**
 * Tests for the parent. A task awaits only triggered runs, and the suspending entry lists them as
 * children.
 */
function isParent({ run }: Transition, by: RunId): boolean {
  return run.origin.parent?.isChild === true && run.origin.parent.runId === by;
}

/** Notifies the waiting runs of a final run again, or gives up. */
export function notifyAgain(transition: Transition): void {
  const { run, now } = transition;
  if (run.notification === null || run.notification.dueAt > now)
    return transition.reject("not_due");
  if (run.notification.sent >= MAX_NOTIFICATIONS) {
    transition.effect({ type: "unnotified", runIds: run.waiters });
    return transition.builder.waiters({ notified: run.waiters });
  }
  const { effect, notification } = notifyWaiters(
    run.waiters,
    run.revision,
    run.notification.sent,
    now,
  );
  transition.effect(effect);
  transition.builder.waiters({ notification });
}

/**
 * Removes acknowledged runs. An acknowledgement of an ending undone by a retry does not count; the
 * next ending is notified again.
 */
export function acknowledgeNotification(
  transition: Transition,
  waiters: readonly RunId[],
  revision: number,
): void {
  if (revision !== transition.run.revision) return transition.reject("retried_since");
  const notified = waiters.filter((waiter) => transition.run.waiters.includes(waiter));
  if (notified.length === 0) transition.reject("already_notified");
  else transition.builder.waiters({ notified });
}

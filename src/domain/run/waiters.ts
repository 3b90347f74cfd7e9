/**
 * Runs waiting for the end of this run. Notifications are repeated until acknowledged
 *; the run outlives its retention meanwhile, for a day at most.
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
 * Notifies each waiting run without an acknowledgement. `tells`: number of earlier notifications of
 * this revision. The next reminder follows after 10 s, doubling up to 1 h.
 */
function notifyWaiters(
  watchers: readonly RunId[],
  revision: number,
  tells: number,
  now: number,
): { effect: Effect; telling: NotificationState } {
  const tellAt = now + Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** tells);
  return {
    effect: { type: "tell", runIds: watchers, revision },
    telling: { sent: tells + 1, dueAt: tellAt },
  };
}

/** Notifies the waiting runs of the end of this run, with growing delays until acknowledged. */
export function notifyOfEnd(run: Run, builder: ChangeBuilder, now: number): Effect[] {
  if (run.watchers.length === 0) return [];
  // The ending transition itself increments the revision.
  const { effect, telling } = notifyWaiters(run.watchers, run.revision + 1, 0, now);
  builder.waiters({ telling });
  return [effect];
}

/** Remembered runs which found this run by its key, at most. */
export const MAX_FINDERS = 100;

/** Subscribes another run. A request to a final run is answered at once. */
export function addWaiter(transition: Transition, by: RunId): void {
  const { run } = transition;
  if (run.open === 0) transition.reject("run_final");
  else if (run.watchers.includes(by)) transition.reject("already_watched");
  else
    transition.builder.waiters({
      watchers: [by],
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
    transition.reject("already_watched");
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
  if (run.telling === null || run.telling.dueAt > now) return transition.reject("not_due");
  if (run.telling.sent >= MAX_NOTIFICATIONS) {
    transition.effect({ type: "untold", runIds: run.watchers });
    return transition.builder.waiters({ told: run.watchers });
  }
  const { effect, telling } = notifyWaiters(run.watchers, run.revision, run.telling.sent, now);
  transition.effect(effect);
  transition.builder.waiters({ telling });
}

/**
 * Removes acknowledged runs. An acknowledgement of an ending undone by a retry does not count; the
 * next ending is notified again.
 */
export function acknowledgeNotification(
  transition: Transition,
  watchers: readonly RunId[],
  revision: number,
): void {
  if (revision !== transition.run.revision) return transition.reject("retried_since");
  const told = watchers.filter((watcher) => transition.run.watchers.includes(watcher));
  if (told.length === 0) transition.reject("already_told");
  else transition.builder.waiters({ told });
}

/** What waits: messages in the queues, due times that nobody has looked at. */
import { dueTimes } from "../../domain/schedules/cron.ts";
import type { ScheduleStatus } from "../../objects/schedules/schedules-rpc.ts";
import { within } from "../../platform/calls.ts";
import { log } from "../../platform/log.ts";

/** A queue, as far as the platform tells: what it does not say is null. */
export interface QueueBacklog {
  readonly name: string;
  readonly count: number | null;
  readonly bytes: number | null;
  /** When the oldest message was sent; null also if there is none. Epoch milliseconds. */
  readonly oldestAt: number | null;
}

/** A queue that does not tell in time is one that nothing is known of. Milliseconds. */
const LIMIT_MS = 2_000;

/** By the names that wrangler.toml gives them. */
const QUEUES = [
  ["peach-runs", "RUN_QUEUE"],
  ["peach-r2-events", "R2_EVENT_QUEUE"],
  ["peach-dead-letters", "DEAD_LETTER_QUEUE"],
] as const;

/** The backlog of each queue. Resolves always: health is also asked for when something is broken. */
export function readBacklogs(env: Env): Promise<QueueBacklog[]> {
  return Promise.all(
    QUEUES.map(async ([name, binding]) => {
      try {
        const { backlogCount, backlogBytes, oldestMessageTimestamp } = await within(
          LIMIT_MS,
          "the queue",
          env[binding].metrics(),
        );
        const oldestAt = backlogCount === 0 ? null : (oldestMessageTimestamp?.getTime() ?? null);
        return { name, count: backlogCount, bytes: backlogBytes, oldestAt };
      } catch (error) {
        log("warn", "backlog not known", { queue: name, error });
        return { name, count: null, bytes: null, oldestAt: null };
      }
    }),
  );
}

/** How late the latest is of the due times that nobody has dealt with; 0 if all were. Milliseconds. */
export function scheduleLagMs(statuses: readonly ScheduleStatus[], now: number): number {
  const lags = statuses
    .filter(({ paused }) => !paused)
    .map(({ definition, state }) => {
      const next = dueTimes(definition.cron, definition.timezone).next(state.dealtUntil);
      return next === null ? 0 : Math.max(0, now - next);
    });
  return Math.max(0, ...lags);
}

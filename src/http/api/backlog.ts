/** Measures waiting work: messages in the queues, and due times that no schedule has handled. */
import { dueTimes } from "../../domain/schedules/cron.ts";
import type { ScheduleStatus } from "../../objects/schedules/schedules-rpc.ts";
import { within } from "../../platform/calls.ts";
import { log } from "../../platform/log.ts";

/** Backlog of a queue. Null marks what the platform does not report. */
export interface QueueBacklog {
  readonly name: string;
  readonly count: number | null;
  readonly bytes: number | null;
  /**
   * Time of the oldest message in epoch milliseconds; null if unknown or if the queue is empty.
   */
  readonly oldestAt: number | null;
}

/** Timeout of the platform's metrics of a queue. After it, all values of the queue are null. */
const LIMIT_MS = 2_000;

/** Queues by the names in wrangler.toml, with their bindings. */
const QUEUES = [
  ["peach-runs", "RUN_QUEUE"],
  ["peach-r2-events", "R2_EVENT_QUEUE"],
  ["peach-dead-letters", "DEAD_LETTER_QUEUE"],
] as const;

/** Reads the backlog of each queue. Never rejects: health must answer while a queue is broken. */
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

/**
 * Returns the delay of the most overdue schedule in milliseconds; 0 if none is overdue. Paused
 * schedules do not count.
 */
export function scheduleLagMs(statuses: readonly ScheduleStatus[], now: number): number {
  const lags = statuses
    .filter(({ paused }) => !paused)
    .map(({ definition, state }) => {
      const next = dueTimes(definition.cron, definition.timezone).next(state.dealtUntil);
      return next === null ? 0 : Math.max(0, now - next);
    });
  return Math.max(0, ...lags);
}

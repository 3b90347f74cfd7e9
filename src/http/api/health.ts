/** `/health`: backlogs of queues and schedules. */
import { iso } from "../../contract/iso-time.ts";
import { healthSchema } from "../../contract/health.ts";
import { callSchedules } from "../../objects/schedules/schedules-client.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { readBacklogs, scheduleLagMs } from "./backlog.ts";

const GROUP = "Deployment";

/** `GET /health`: backlogs, and whether any is behind. */
export const readHealth = operation("GET /health", {
  id: "readHealth",
  right: "read",
  group: GROUP,
  summary: "How far the queues and the schedules are behind",
  answers: {
    200: answer("What waits", healthSchema),
  },
});

/** Age in milliseconds from which waiting work counts as behind. */
const BEHIND_MS = 300_000;

/** Adds the route below /api/v1. */
export function healthRoutes(routes: Routes): void {
  handle(routes, readHealth, async (c, { reply }) => {
    const [queues, schedules] = await Promise.all([
      readBacklogs(c.env),
      callSchedules(c.env, (object) => object.list()),
    ]);
    const now = Date.now();
    const lagMs = scheduleLagMs(schedules, now);
    const isBehind =
      queues.some(({ oldestAt }) => oldestAt !== null && now - oldestAt > BEHIND_MS) ||
      lagMs > BEHIND_MS;
    return reply(200, {
      status: isBehind ? "behind" : "ok",
      queues: queues.map(({ name, count, bytes, oldestAt }) => ({
        name,
        backlog_count: count,
        backlog_bytes: bytes,
        oldest_message_at: iso(oldestAt),
      })),
      schedules: { lag_ms: lagMs },
    });
  });
}

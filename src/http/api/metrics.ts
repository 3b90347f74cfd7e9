/** `/metrics`: counters, gauges and histograms in the Prometheus text format. */
import { runMetrics } from "../../objects/catalog/catalog-client.ts";
import { callDeadLetters } from "../../objects/dead-letters/dead-letters-client.ts";
import { callSchedules } from "../../objects/schedules/schedules-client.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { operation } from "../openapi/operation.ts";
import { readBacklogs } from "./backlog.ts";
import { writeMetrics } from "./metrics-text.ts";
import { countsOfEndpoints } from "./recommendations.ts";

const GROUP = "Deployment";

/** `GET /metrics`: all families. */
export const readMetrics = operation("GET /metrics", {
  id: "readMetrics",
  right: "read",
  group: GROUP,
  summary:
    "Runs, attempts, durations, queues and schedules in figures, in the Prometheus text format",
  answers: { 200: { description: "All families", contentTypes: ["text/plain"] } },
});

/** Adds the route below /api/v1. */
export function metricsRoutes(routes: Routes, { plan }: Needs<"plan">): void {
  handle(routes, readMetrics, async (c) => {
    const [runs, queues, schedules, deadLetters, recommendations] = await Promise.all([
      runMetrics(c.env),
      readBacklogs(c.env),
      callSchedules(c.env, (object) => object.list()),
      callDeadLetters(c.env, (letters) => letters.count()),
      countsOfEndpoints(c.env, plan, null),
    ]);
    const now = Date.now();
    const text = writeMetrics({ runs, queues, schedules, deadLetters, recommendations, now });
    return c.body(text, 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}

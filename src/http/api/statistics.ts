/**
 * `/failures` and `/runs/statistics`: failed runs in groups, and runs over time, as the catalog
 * knows them.
 */
import * as z from "zod";
import { iso } from "../../contract/iso-time.ts";
import { failuresSchema, statisticsSchema } from "../../contract/statistics.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import { failureGroups, runStatistics } from "../../objects/catalog/catalog-client.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { timeParameter } from "./parameters.ts";
import { refuseUnknownTask, runFilter } from "./run-filter.ts";

const GROUP = "Runs";
const DAY_MS = 86_400_000;
/** The most intervals of an answer. */
const MAX_INTERVALS = 120;
/** Lengths of intervals. All are parts or multiples of the quarters that the catalog counts. */
const INTERVALS_MS = [60_000, 300_000, 900_000, 3_600_000, 14_400_000, 43_200_000, DAY_MS] as const;

/** The start of the span, for both operations. */
const since = timeParameter.optional().describe("Only what was created then or later; a day ago");

/** `GET /failures`: failed runs in groups. */
export const listFailures = operation("GET /failures", {
  id: "listFailures",
  right: "read",
  group: GROUP,
  summary: "Failed runs in groups: by the task that failed first, and the error without its values",
  query: z.strictObject({ task: runFilter.task, since }),
  answers: {
    200: answer("The largest group first; of each root task at most 5,000 runs", failuresSchema),
  },
  problems: ["unknown_task"],
});

/** `GET /runs/statistics`: runs over time. */
export const readStatistics = operation("GET /runs/statistics", {
  id: "readStatistics",
  right: "read",
  group: GROUP,
  summary: "Runs of each root task over time, by status, and what waits",
  query: z.strictObject({ task: runFilter.task, since }),
  answers: {
    200: answer(
      "In the order of the tasks' names; intervals as long as the span asks for",
      statisticsSchema,
    ),
  },
  problems: ["unknown_task"],
});

/** Adds the routes below /api/v1. */
export function statisticsRoutes(routes: Routes, plan: Plan): void {
  handle(routes, listFailures, async (c, { query, reply }) => {
    const refusal = await refuseUnknownTask(c.env, plan, query.task);
    if (refusal !== null) return problemResponse(c, refusal);
    const groups = await failureGroups(c.env, query.task, query.since ?? Date.now() - DAY_MS);
    return reply(200, {
      groups: groups.map(({ task, name, message, count, ...group }) => ({
        task,
        name,
        message,
        count,
        first: iso(group.first),
        last: iso(group.last),
        conf_versions: group.confVersions,
        example: group.example.id,
        example_message: group.example.message,
        pipelines: Object.entries(group.pipelines).map(([root, runs]) => ({
          task: root,
          count: runs,
        })),
        last_good:
          group.lastGood === null
            ? null
            : {
                run_id: group.lastGood.id,
                at: iso(group.lastGood.createdAt),
                conf_version: group.lastGood.confVersion,
              },
      })),
    });
  });
  handle(routes, readStatistics, async (c, { query, reply }) => {
    const refusal = await refuseUnknownTask(c.env, plan, query.task);
    if (refusal !== null) return problemResponse(c, refusal);
    const until = Date.now();
    const asked = Math.min(query.since ?? until - DAY_MS, until);
    const intervalMs = INTERVALS_MS.find((ms) => (until - asked) / ms <= MAX_INTERVALS) ?? DAY_MS;
    // From the beginning of an interval, so that the first is as long as the others.
    const begin = Math.floor(asked / intervalMs) * intervalMs;
    const statistics = await runStatistics(c.env, query.task, { since: begin, until, intervalMs });
    return reply(200, {
      since: iso(begin),
      until: iso(until),
      interval_ms: intervalMs,
      tasks: [...statistics]
        .toSorted(([one], [other]) => one.localeCompare(other))
        .map(([task, { intervals, before, waiting }]) => ({
          task,
          intervals: Object.entries(intervals)
            .toSorted(([one], [other]) => Number(one) - Number(other))
            .map(([at, counts]) => ({ at: iso(Number(at)), counts })),
          before,
          waiting,
        })),
    });
  });
}

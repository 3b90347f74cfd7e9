/** Failures in groups, and runs over time. */
import * as z from "zod";
import { WAITING_KINDS, type WaitingKind } from "../domain/run/waiting.ts";
import { type Json, named } from "./named.ts";
import { runCounts } from "./run-lists.ts";
import { runId, taskName, time } from "./values.ts";

/** Groups of failed runs. */
export const failuresSchema = named(
  "Failures",
  z.object({
    groups: z.array(
      z.object({
        task: taskName.describe("The task that failed first"),
        name: z.string().describe("Of its error"),
        message: z.string().describe("Without numbers, times and ids: `#` stands for them"),
        count: z.int().describe("Failed runs"),
        first: time.describe("When the earliest of them failed"),
        last: time,
        conf_versions: z
          .array(z.string())
          .describe("Versions of peach.conf, that of the earliest failure first"),
        example: runId.describe("The newest of them"),
        example_message: z.string().describe("The whole message of the example"),
        pipelines: z.array(z.object({ task: taskName.describe("A root task"), count: z.int() })),
        last_good: z
          .object({ run_id: runId, at: time, conf_version: z.string().nullable() })
          .nullable()
          .describe("The newest run that succeeded before; null: none was found nearby"),
      }),
    ),
  }),
);

/** Waiting runs by what they wait for. */
const waitingCounts = z.object({
  completion: z.int(),
  run: z.int(),
  time: z.int(),
} satisfies Record<WaitingKind, z.ZodType>);

/** Runs of each root task over time. */
export const statisticsSchema = named(
  "RunStatistics",
  z.object({
    since: time,
    until: time,
    interval_ms: z.number(),
    tasks: z.array(
      z.object({
        task: taskName.describe("A root task"),
        intervals: z
          .array(z.object({ at: time, counts: runCounts }))
          .describe("By time of creation, the earliest first; without those that have no run"),
        before: runCounts.describe("Of the span of the same length before"),
        waiting: waitingCounts.describe(
          `Open runs in which something waits: ${WAITING_KINDS.join(", ")}`,
        ),
      }),
    ),
  }),
);

/** Failed runs of one kind. */
export type FailureGroup = Json<typeof failuresSchema>["groups"][number];

/** Groups of failed runs. */
export type Failures = Json<typeof failuresSchema>;

/** Runs of each root task over time. */
export type RunStatistics = Json<typeof statisticsSchema>;

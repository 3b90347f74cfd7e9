/**
 * The schemas of what calls of the API have in common: parts of requests, and documents that are answered. A document with a name
 * is a component of the OpenAPI document.
 *
 * The `error` of a part of a request is the end of a sentence: "The query `limit` must be …".
 */
import { z } from "zod";
import { parseDuration } from "../../domain/duration.ts";
import { LIMIT_KINDS } from "../../domain/limits/limit.ts";
import { ATTEMPT_STATUSES, RUN_STATUSES, TASK_STATUSES } from "../../domain/statuses.ts";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";

/** The documents by their names. */
export const documents = z.registry<{ readonly id: string }>();

/** Gives a document the name by which the OpenAPI document knows it. */
export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  documents.add(schema, { id });
  return schema;
}

export const time = z.iso.datetime().describe("ISO 8601, UTC");
export const runId = z.string().regex(/^run_/).describe("`run_` and 26 characters");
export const taskName = z.string().describe("As peach.conf names the task");

/** In a path: what is no id at all is answered like one that is not known. */
export const runParams = z.object({ id: z.string().describe("The run's id") });
export const taskParams = z.object({ task: z.string().describe("The task's name") });
export const runTaskParams = z.object({ ...runParams.shape, ...taskParams.shape });

/** How many entries of a list. */
export function limitOf(most: number, normally: number): z.ZodDefault<z.ZodInt> {
  const error = `a whole number from 1 to ${most}`;
  return z.int({ error }).min(1, { error }).max(most, { error }).default(normally);
}

export const cursor = z
  .string()
  .max(1_000, { error: "the next_cursor of an answer" })
  .describe("The `next_cursor` of the page before");
/** Of lists that go by a number. */
export const numberedCursor = z
  .int({ error: "the next_cursor of an answer" })
  .min(0, { error: "the next_cursor of an answer" })
  .describe("The `next_cursor` of the page before");

/** From 0, in the order of the array. */
export const itemIndex = z
  .int({ error: "a whole number from 0" })
  .min(0, { error: "a whole number from 0" })
  .describe("The item's place in the array, from 0");

export const nextCursor = z
  .string()
  .nullable()
  .describe("Where the next page begins; null at the end");

/** A duration as people write it; milliseconds when read. */
export function durationUpTo(most: string): z.ZodType<number, string> {
  const mostMs = parseDuration(most) ?? Number.POSITIVE_INFINITY;
  const error = `a duration of at most ${most}, such as 30s or 2h`;
  return z
    .string()
    .regex(/^\d{1,15}(ms|s|m|h|d)$/, { error })
    .transform((text) => parseDuration(text) ?? Number.POSITIVE_INFINITY)
    .refine((milliseconds) => milliseconds <= mostMs, { error });
}

/** One or several of these words, comma separated; a list when read. */
export function listOf<const Word extends string>(
  words: readonly Word[],
): z.ZodType<Word[], string> {
  const error = `one or several of ${words.join(", ")}, separated by commas`;
  const either = words.join("|");
  return z
    .string()
    .regex(new RegExp(`^(${either})(,(${either}))*$`), { error })
    .transform((text) =>
      text.split(",").flatMap((name) => words.find((word) => word === name) ?? []),
    );
}

/** A time in a query; epoch milliseconds when read. */
export const timeParameter = z.iso
  .datetime({ offset: true, error: "a time in ISO 8601, such as 2026-11-22T20:00:00Z" })
  .transform((text) => Date.parse(text));

/** Presentable in a header, and the same for each attempt at the same trigger. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, { error: "1 to 255 printable ASCII characters" })
  .describe("The same for each attempt at the same trigger: it is then started once");

export const runReference = named("RunReference", z.object({ run_id: runId, task: taskName }));

/** The run that another one replays. */
export const replayOf = z.object({
  run_id: runId,
  from: taskName.nullable().describe("Null: as a whole"),
});

/** Whatever JSON can say. */
export const anyJson = z.unknown();

const attemptDocument = named(
  "Attempt",
  z.object({
    attempt: z.int().min(1),
    status: z.enum(ATTEMPT_STATUSES),
    started_at: time,
    finished_at: time.nullable(),
    error: z
      .object({ name: z.string(), message: z.string(), stack: z.string().nullable() })
      .nullable(),
  }),
);

export const taskOfRunDocument = named(
  "TaskOfRun",
  z.object({
    task: taskName,
    status: z.enum(TASK_STATUSES),
    reason: z.string().nullable().describe("Why it failed or was skipped"),
    upstream: z.array(taskName),
    downstream: z.array(taskName),
    attempts: z.array(attemptDocument),
    progress: z
      .object({ fraction: z.number(), message: z.string().nullable(), at: time })
      .nullable()
      .describe("Of the running attempt, or what was said last"),
    output: z
      .object({ kind: z.string(), size: z.int().describe("Bytes"), content_type: z.string() })
      .nullable(),
    waiting_for: z
      .union([
        z.object({ for: z.literal("run"), run_id: runId, task: taskName }),
        z.object({ for: z.literal("completion"), until: time }),
        z.object({
          for: z.enum([...LIMIT_KINDS, "pause"]),
          key: z.string().nullable(),
          since: time,
        }),
        z.object({ for: z.literal("deploy"), method: z.string(), since: time, until: time }),
      ])
      .nullable()
      .describe(
        "Why it does not go on by itself: it awaits that run, or that somebody completes it, or is held back by a limit or a pause, or until code is deployed that has its method",
      ),
    completion_url: z
      .url()
      .optional()
      .describe(
        "Of an external task that waits, for tokens with the scope `admin`: where it is completed, without a token",
      ),
    steps: z
      .array(z.object({ name: z.string(), finished_at: time }))
      .optional()
      .describe("Those that have finished; absent: none"),
    each: z
      .object({ total: z.int(), succeeded: z.int(), failed: z.int(), running: z.int() })
      .optional()
      .describe("Of a task with `each`: its items; none before its array is known"),
  }),
);

/** Who has done something over HTTP. */
const actorDocument = named(
  "Actor",
  z.object({
    kind: z.enum(["token", "access"]).describe("An API token, or an identity of Cloudflare Access"),
    name: z.string(),
  }),
);

export const runDocument = named(
  "Run",
  z.object({
    run_id: runId,
    task: taskName.describe("The root task"),
    status: z.enum(RUN_STATUSES),
    trigger: z.object({
      source: z.enum(TRIGGER_SOURCES),
      by: z.string().describe("The token's name, the endpoint, the task, the object"),
      actor: actorDocument
        .optional()
        .describe(
          "Who asked for it over HTTP, also by an event or an endpoint; absent: nobody had to say who they are",
        ),
      parent: runReference.nullable(),
      replay_of: replayOf.nullable(),
      traceparent: z.string().optional().describe("The W3C trace that it belongs to; absent: none"),
      event: z
        .object({
          id: z.string(),
          source: z.string(),
          type: z.string(),
          subject: z.string().nullable(),
          time: z.string().nullable().describe("RFC 3339"),
        })
        .optional()
        .describe("What the CloudEvent that has started it says of itself; absent: none has"),
    }),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    duration_ms: z.number().nullable(),
    conf_version: z.string(),
    tasks: z.array(taskOfRunDocument),
    children: z.array(runReference).describe("The runs that its attempts have triggered"),
  }),
);

/** What a trigger or a replay has started. */
export const acceptedTrigger = named(
  "AcceptedTrigger",
  z.object({
    run_id: runId,
    task: taskName,
    status: z.enum(RUN_STATUSES),
    deduplicated: z.boolean().describe("The idempotency key had started it before"),
    url: z.url(),
  }),
);

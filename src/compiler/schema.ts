/**
 * The keys of peach.conf and the shapes of their values; there is no other definition. Checks that
 * compare keys with each other are in `check-*.ts`.
 */
import * as z from "zod";
import { BACKOFFS, DISPATCHES, ITEM_ERRORS, R2_ACTIONS } from "../domain/plan/plan.ts";
import { EVENT_NAME } from "../domain/event-name.ts";
import { PRIORITY_MAX, STRATEGIES } from "../domain/limits/limit.ts";
import { MAX_TAGS, TAG_TEMPLATE } from "../domain/tags.ts";
import { RUN_IFS } from "../domain/run/start-rule.ts";
import { described, type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
import { nearFlag } from "./near-values.ts";
import { schedule } from "./schedule.ts";
import { ENDPOINT_SHAPE } from "./schema-endpoint.ts";
import { method, module, NAME, open, taskName } from "./schema-names.ts";
import {
  flag,
  mapping,
  mappingOr,
  named,
  oneOf,
  oneOrMany,
  type Parsed,
  shorthand,
  single,
  text,
  textLike,
} from "./schema-parts.ts";
import { count, duration, size } from "./schema-quantities.ts";

/** A path whose value is the key of a limit. A path to the whole payload is no key. */
const nonEmptyKey = textLike(
  "a path into the payload, such as payload.user_id",
  /^payload(\.[^\s.]+)+$/,
  (given) => {
    const path = typeof given === "string" ? given.replace(/^\$\.?/, "") : "";
    if (path === "payload" || !/^[^\s.]+(\.[^\s.]+)*$/.test(path)) return null;
    return `did you mean payload.${path}?`;
  },
);
/** The priorities that are numbers, for editors. */
const PRIORITY_NUMBER: JsonSchema = {
  type: "integer",
  minimum: -PRIORITY_MAX,
  maximum: PRIORITY_MAX,
};
/** The expected value of `priority`, for messages. */
const PRIORITY = `a whole number from -${PRIORITY_MAX} to ${PRIORITY_MAX}, or where the payload has one, such as payload.priority`;
/** A time of `debounce`: 30 days at most. */
const debounceTime = duration({ min: "1ms", max: "30d" });
/** The period of a rate limit: 365 days at most. */
const anyDuration = duration({ min: "1ms", max: "365d" });

/**
 * The mapping form of `each`. The default of `max_parallel` depends on the timeout, so the plan has
 * the default.
 */
const items = mapping({
  max_parallel: count(1, 10_000).describe(
    "How many items run at a time. Default: 1000, or 100 if timeout is above 25s.",
  ),
  on_error: oneOf(ITEM_ERRORS).meta({
    description: "Whether the failure of an item fails the task.",
    default: "fail",
  }),
});
/** The short form `each: true`. */
const everyItem = single(
  { type: "boolean", const: true },
  (given, refuse): z.output<typeof items> => {
    if (given === true) return {};
    const hint = nearFlag(given) === true ? "did you mean true?" : null;
    return refuse("true, or a mapping with max_parallel or on_error", { hint });
  },
);

/** The retries of a task. A plain number is the limit. A delay above `max_delay` is a mistake. */
const retries = shorthand(
  "limit",
  mapping({
    limit: count(0, 100).meta({ description: "How many attempts follow the first.", default: 3 }),
    delay: duration({ min: "0s", max: "30d" }).meta({
      description: "Before the first retry, 0s to 30d.",
      default: "1s",
    }),
    backoff: oneOf(BACKOFFS).meta({
      description: "How the delay grows from retry to retry.",
      default: "exponential",
    }),
    max_delay: duration({ min: "0s", max: "30d" }).meta({
      description: "The longest delay, 0s to 30d.",
      default: "5m",
    }),
    jitter: flag().meta({
      description: "Whether delays vary at random, so that retries do not come together.",
      default: true,
    }),
  }).superRefine(({ delay = 0, max_delay: most = Infinity }, context) => {
    if (delay > most)
      context.addIssue({
        code: "custom",
        path: ["delay"],
        message: "a delay of at most max_delay",
        params: { code: "PEACH114" },
      });
  }),
).meta({
  description: "How often a failed attempt is repeated, and when: a number, or a mapping.",
  default: { limit: 3, delay: "1s", backoff: "exponential", max_delay: "5m", jitter: true },
});

/** A tag of runs, with placeholders for values of the payload. */
const tagTemplate = textLike(
  "a tag such as news or lang:{payload.language}",
  TAG_TEMPLATE,
  (given) => {
    const [, path] = typeof given === "string" ? (/\{\$?\.?([^{}\s]+)\}/.exec(given) ?? []) : [];
    return path === undefined || path.startsWith("payload.")
      ? null
      : `did you mean {payload.${path}}?`;
  },
);

/** The timeout of a task that runs on the platform: 14 minutes at most. */
const timeout = duration({
  min: "1ms",
  max: "14m",
  above:
    "work that takes longer is done elsewhere and reported back: " +
    "that is what `external` tasks are for",
}).meta({
  description: "Of one attempt, 1ms to 14m; of an external task up to 30d.",
  default: "25s",
});
/** The timeout of an external task, which waits for a call without running. */
const externalTimeout = duration({ min: "1ms", max: "30d" });
const dispatch = oneOf(DISPATCHES).meta({
  description: "`direct` starts in the triggering invocation, for short work where latency counts.",
  default: "queue",
});

/** A rule of `on.r2`. Only the bucket is required: the defaults match every key. */
const r2Rule = mapping(
  {
    bucket: text("the name of a bucket").meta({
      description: "The bucket. wrangler.toml binds it.",
      examples: ["uploads"],
    }),
    prefix: z
      .string({ error: "a text that keys begin with" })
      .meta({ description: "What keys begin with. Default: any.", examples: ["audio/"] }),
    suffix: z
      .string({ error: "a text that keys end with" })
      .meta({ description: "What keys end with. Default: any.", examples: [".mp3"] }),
    actions: oneOrMany(oneOf(R2_ACTIONS)).meta({
      description: "What happens to the object.",
      default: "create",
    }),
  },
  ["bucket"],
);

/** The keys of `defaults`, which hold for every task that does not set its own. */
export const DEFAULTS_SHAPE = { retries, timeout, dispatch };

/**
 * The keys of a task. The description of a key is shown by editors, so the description also has the
 * limits of durations and sizes.
 */
export const TASK_SHAPE = {
  method,
  module,
  description: z
    .string({ error: "a text" })
    .meta({ description: "A text for people.", examples: ["Speech to text"] }),
  downstream: oneOrMany(taskName, 0).meta({
    description: "The tasks that read what this task passes and start after it: a name, or a list.",
    examples: ["recommend", ["recommend", "archive"]],
  }),
  on: mapping({
    r2: oneOrMany(r2Rule).meta({
      description: "Objects that trigger it, or their deletion.",
      examples: [{ bucket: "uploads", prefix: "audio/", suffix: ".mp3" }],
    }),
    event: oneOrMany(
      text("the name of an event (1 to 128 letters, digits, ., _ and -)", EVENT_NAME),
    ).meta({ description: "Events that trigger it, by name.", examples: ["audio.published"] }),
  }).meta({
    description: "What triggers it besides a direct call.",
    examples: [{ event: "audio.published" }],
  }),
  schedule: oneOrMany(schedule).meta({
    description: "When it is triggered: a cron expression, a mapping, or a list of these.",
    examples: ["0 3 * * *", { cron: "0 3 * * *", timezone: "Europe/Zurich" }],
  }),
  retries,
  timeout,
  run_if: oneOf(RUN_IFS).meta({
    description: "Which results of its upstream tasks start it.",
    default: "all_success",
  }),
  each: mappingOr(everyItem, items).meta({
    description: "The task runs once per item of the array that it reads: true, or a mapping.",
    examples: [true, { max_parallel: 10, on_error: "continue" }],
  }),
  concurrency: shorthand(
    "limit",
    mapping(
      {
        limit: count(1, 10_000).meta({
          description: "The most attempts at a time over all runs.",
          examples: [4],
        }),
        key: nonEmptyKey.meta({
          description: "Where the payload has the key that each limit is for.",
          examples: ["payload.user_id"],
        }),
        strategy: oneOf(STRATEGIES).meta({
          description: "What an attempt does that finds no slot.",
          default: "queue",
        }),
      },
      ["limit"],
    ),
  ).meta({
    description: "The most attempts at a time over all runs: a number, or a mapping.",
    examples: [4, { limit: 1, key: "payload.user_id" }],
  }),
  rate_limit: mapping(
    {
      limit: count(1, 1_000_000).meta({
        description: "How many attempts start in any `per`.",
        examples: [100],
      }),
      per: anyDuration.meta({ description: "The window, up to 365d.", examples: ["1m"] }),
      key: nonEmptyKey.meta({
        description: "Where the payload has the key that each limit is for.",
        examples: ["payload.user_id"],
      }),
    },
    ["limit", "per"],
  ).meta({
    description: "At most `limit` attempts start in any `per` over all runs.",
    examples: [{ limit: 100, per: "1m" }],
  }),
  priority: z
    .union([described(z.number(), () => PRIORITY_NUMBER), nonEmptyKey], { error: PRIORITY })
    .superRefine((given, context) => {
      const isFine =
        typeof given === "string" || (Number.isInteger(given) && Math.abs(given) <= PRIORITY_MAX);
      if (!isFine) context.addIssue({ code: "custom", message: PRIORITY, input: given });
    })
    .meta({
      description:
        "Of attempts that wait for concurrency or rate_limit, higher first: " +
        "a number, or its place in the payload.",
      default: 0,
      examples: [10, "payload.priority"],
    }),
  debounce: mapping(
    {
      delay: debounceTime.meta({
        description: "How long nothing more must come before the run starts.",
        examples: ["10s"],
      }),
      key: nonEmptyKey.meta({
        description: "Where the payload has the key: each key has a run of its own.",
        examples: ["payload.item_id"],
      }),
      max_wait: debounceTime.describe(
        "When the run starts at the latest, from the first trigger. Default: no limit.",
      ),
    },
    ["delay"],
  ).meta({
    description: "Triggers that follow one another within `delay` share one run.",
    examples: [{ delay: "10s", key: "payload.item_id" }],
  }),
  external: flag().meta({
    description: "The task waits until its completion URL is called.",
    default: false,
  }),
  late_after: duration({ min: "1s", max: "365d" }).meta({
    description:
      "A run of this root task that is not final by then is late, 1s to 365d; it goes on. " +
      "Default: never.",
    examples: ["30m"],
  }),
  tags: oneOrMany(tagTemplate)
    .refine((tags) => tags.length <= MAX_TAGS, { error: `at most ${MAX_TAGS} tags` })
    .meta({
      description:
        "By which runs of this root task are found: a text, or a list of up to 10. " +
        "`{payload.PATH}` stands for a value of the payload; where there is none, the tag is left out.",
      examples: [["news", "lang:{payload.language}"]],
    }),
  dispatch,
  open,
  callable: flag().describe(
    "Whether a token with the scope `trigger` may trigger it. " +
      "Default: true without upstream tasks, else false.",
  ),
};

/**
 * The keys of an external task. The task waits for a call without running code, so its timeout may
 * be much longer.
 */
export const EXTERNAL_TASK_SHAPE = { ...TASK_SHAPE, timeout: externalTimeout };

/** The required keys of an entry of `tasks`. */
export const TASK_REQUIRED = ["method"] as const;
/** An endpoint has one of these keys. */
const ENDPOINT_REQUIRED = { oneOf: [{ required: ["method"] }, { required: ["components"] }] };

/**
 * The keys of the file. The entries of `tasks` and `endpoints` are checked one by one by
 * `validate.ts`.
 */
export const ROOT_SHAPE = {
  codops: text("a short text").meta({
    description: "The tag of your organisation.",
    default: "default",
  }),
  retention: duration({ min: "1s", max: "3650d" }).meta({
    description: "How long finished runs and their payloads are kept, 1s to 3650d.",
    default: "30d",
  }),
  inline_limit: size({
    min: "0B",
    max: "256KB",
    above: "larger payloads go to R2, where any size is fine",
  }).meta({
    description:
      "Payloads up to this size are stored with the run's state, 0B to 256KB. " +
      "0B sends every payload to R2.",
    default: "32KB",
  }),
  on_failure: taskName.meta({
    description: "A task that is triggered with the summary of each failed run.",
    examples: ["alert_editors"],
  }),
  defaults: mapping(DEFAULTS_SHAPE).meta({
    description: "For every task that does not set its own.",
    examples: [{ retries: 3, timeout: "1m" }],
  }),
  tasks: named(NAME, TASK_SHAPE, TASK_REQUIRED).meta({
    description: "The tasks, by name.",
    examples: [{ transcribe: { method: "transcribe" } }],
  }),
  endpoints: named(NAME, ENDPOINT_SHAPE, [], ENDPOINT_REQUIRED).meta({
    description: "The endpoints, by name.",
    examples: [{ webhook: { method: "webhook", auth: "token" } }],
  }),
};

/**
 * Makes the JSON Schema of peach.conf. The schema knows the keys and the notation of values. The
 * check alone knows the limits of durations and sizes, the conflicts between keys, and the code.
 */
export function confSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "peach.conf",
    ...jsonSchemaOf(mapping(ROOT_SHAPE)),
  };
}

export type TaskConf = Parsed<typeof TASK_SHAPE>;
export type EndpointConf = Parsed<typeof ENDPOINT_SHAPE>;
export type RootConf = Parsed<typeof ROOT_SHAPE>;

/**
 * The keys of peach.conf and the shapes of their values; there is no other definition. Checks that
 * compare keys with each other are in `check-*.ts`.
 */
import * as z from "zod";
import { isTimed, SIGNATURE_SCHEMES, TIMED_SCHEMES } from "../domain/plan/endpoint-auth.ts";
import { BACKOFFS, DISPATCHES, ITEM_ERRORS, R2_ACTIONS } from "../domain/plan/plan.ts";
import { EVENT_NAME } from "../domain/event-name.ts";
import { PRIORITY_MAX, STRATEGIES } from "../domain/limits/limit.ts";
import { RUN_IFS } from "../domain/run/start-rule.ts";
import { schedule } from "./schedule.ts";
import {
  count,
  duration,
  flag,
  mapping,
  mappingOr,
  oneOf,
  oneOrMany,
  type Parsed,
  shorthand,
  size,
  text,
} from "./schema-parts.ts";

/** The names of tasks and endpoints: at most 64 characters. */
export const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
/** An identifier of JavaScript, as exports are named. */
const METHOD = /^[A-Za-z_$][\w$]*$/;
/**
 * The name of an environment variable. Secrets of Stripe and Standard Webhooks begin with `whsec_`:
 * such a value is the secret itself, written into peach.conf by mistake.
 */
const ENV_NAME = /^(?!whsec_)[A-Za-z_][A-Za-z0-9_]*$/;
/** A token of RFC 9110, as header names are defined. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

const taskName = text("the name of a task", NAME);
const method = text("the name of an exported function", METHOD);
const module = text("the path of a file under the pipelines folder, without .ts");
/** A path whose value is the key of a limit. */
const nonEmptyKey = text(
  "a path into the payload, such as payload.user_id",
  /^payload(\.[^\s.]+)+$/,
);
/** The expected value of `priority`, for messages. */
const PRIORITY = `a whole number from -${PRIORITY_MAX} to ${PRIORITY_MAX}, or where the payload has one, such as payload.priority`;
/** A time of `debounce`: 30 days at most. */
const debounceTime = duration({ min: "1ms", max: "30d" });
/** The period of a rate limit: 365 days at most. */
const anyDuration = duration({ min: "1ms", max: "365d" });

/** The mapping form of `each`. */
const items = mapping({ max_parallel: count(1, 10_000), on_error: oneOf(ITEM_ERRORS) });
/** The short form `each: true`. */
const everyItem = z
  .literal(true, { error: "true, or a mapping with max_parallel or on_error" })
  .transform((): z.output<typeof items> => ({}));

/** The retries of a task. A plain number is the limit. A delay above `max_delay` is a mistake. */
const retries = shorthand(
  "limit",
  mapping({
    limit: count(0, 100),
    delay: duration({ min: "0s", max: "30d" }),
    backoff: oneOf(BACKOFFS),
    max_delay: duration({ min: "0s", max: "30d" }),
    jitter: flag(),
  }).superRefine(({ delay = 0, max_delay: most = Infinity }, context) => {
    if (delay > most)
      context.addIssue({
        code: "custom",
        path: ["delay"],
        message: "a delay of at most max_delay",
      });
  }),
);

/** The timeout of a task that runs on the platform: 14 minutes at most. */
const timeout = duration({
  min: "1ms",
  max: "14m",
  above:
    "work that takes longer is done elsewhere and reported back: that is what `external` tasks are for",
});
/** The timeout of an external task, which waits for a call without running. */
const externalTimeout = duration({ min: "1ms", max: "30d" });
const dispatch = oneOf(DISPATCHES);

/** A rule of `on.r2`. */
const r2Rule = mapping(
  {
    bucket: text("the name of a bucket"),
    prefix: z.string({ error: "a text that keys begin with" }),
    suffix: z.string({ error: "a text that keys end with" }),
    actions: oneOrMany(oneOf(R2_ACTIONS)),
  },
  ["bucket"],
);

/**
 * Addresses that a task may open. A bucket without a path gets a final `/`, or it would match
 * longer names of buckets.
 */
const open = oneOrMany(
  text(
    "the beginning of addresses, such as s3://uploads/audio/",
    /^s3:\/\/[^/]+(\/.*)?$/s,
  ).transform((given) => (/^s3:\/\/[^/]+$/.test(given) ? `${given}/` : given)),
  0,
);

/** The keys of `defaults`, which hold for every task that does not set its own. */
export const DEFAULTS_SHAPE = { retries, timeout, dispatch };

/** The keys of a task. */
export const TASK_SHAPE = {
  method,
  module,
  description: z.string({ error: "a text" }),
  downstream: oneOrMany(taskName, 0),
  on: mapping({
    r2: oneOrMany(r2Rule),
    event: oneOrMany(
      text("the name of an event (1 to 128 letters, digits, ., _ and -)", EVENT_NAME),
    ),
  }),
  schedule: oneOrMany(schedule),
  retries,
  timeout,
  run_if: oneOf(RUN_IFS),
  each: mappingOr(everyItem, items),
  concurrency: shorthand(
    "limit",
    mapping({ limit: count(1, 10_000), key: nonEmptyKey, strategy: oneOf(STRATEGIES) }, ["limit"]),
  ),
  rate_limit: mapping({ limit: count(1, 1_000_000), per: anyDuration, key: nonEmptyKey }, [
    "limit",
    "per",
  ]),
  priority: z
    .union([z.number(), nonEmptyKey], { error: PRIORITY })
    .superRefine((given, context) => {
      const isFine =
        typeof given === "string" || (Number.isInteger(given) && Math.abs(given) <= PRIORITY_MAX);
      if (!isFine) context.addIssue({ code: "custom", message: PRIORITY, input: given });
    }),
  debounce: mapping({ delay: debounceTime, key: nonEmptyKey, max_wait: debounceTime }, ["delay"]),
  external: flag(),
  dispatch,
  open,
  callable: flag(),
};

/**
 * The keys of an external task. The task waits for a call without running code, so its timeout may
 * be much longer.
 */
export const EXTERNAL_TASK_SHAPE = { ...TASK_SHAPE, timeout: externalTimeout };

/**
 * The mapping form of an endpoint's `auth`. Each scheme has its own keys, and a key of another
 * scheme is refused: it would have no effect.
 */
const signature = mapping(
  {
    signature: oneOf(SIGNATURE_SCHEMES),
    secret: text(
      "the name of an environment variable, such as GITHUB_SECRET (not the secret itself)",
      ENV_NAME,
    ),
    header: text("the name of a header, such as x-signature", HEADER_NAME),
    tolerance: duration({ min: "1s", max: "1d" }),
    topics: oneOrMany(
      text(
        "the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:uploads",
        /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/,
      ),
    ),
  },
  ["signature"],
).superRefine(({ signature: scheme, secret, header, tolerance, topics }, context) => {
  if (scheme === undefined) return;
  const miss = (key: string): void =>
    context.addIssue({
      code: "custom",
      path: [key],
      message: `\`${key}\` is missing`,
      params: { fault: "missing" },
    });
  const refuse = (key: string, hint: string): void =>
    context.addIssue({
      code: "custom",
      path: [key],
      message: `${scheme} has no \`${key}\``,
      params: { fault: "key", hint },
    });
  if (header !== undefined && scheme !== "hmac-sha256")
    refuse(
      "header",
      "remove it: only hmac-sha256 lets you choose the header, the others define theirs",
    );
  if (scheme === "sns") {
    if (topics === undefined) miss("topics");
    if (secret !== undefined)
      refuse(
        "secret",
        "remove it: SNS signs under a certificate, and `topics` says whose messages are taken",
      );
  } else {
    if (secret === undefined) miss("secret");
    if (topics !== undefined) refuse("topics", "remove it: only sns signs messages of topics");
  }
  if (tolerance !== undefined && !isTimed(scheme))
    refuse("tolerance", `remove it: only ${TIMED_SCHEMES.join(", ")} sign the time of a delivery`);
});

/** The methods of HTTP that an endpoint may list. */
const HTTP_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * Encoded `/`, `:`, `*`, `?`, `{` and `}`. Requests are matched by decoded paths, where these would
 * split a segment or become a parameter.
 */
const ENCODED_MARK = /%(2f|3a|2a|3f|7b|7d)/i;

/** Tests if a path can be decoded without changing its segments. */
function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
  } catch {
    return false;
  }
  return !ENCODED_MARK.test(path);
}

/** The keys of an endpoint. */
export const ENDPOINT_SHAPE = {
  method,
  module,
  url: text(
    "a path that begins with / and holds texts or :params, such as /hooks/:kind",
    /^\/$|^(\/(:[A-Za-z_]\w*|[\w.~!$&'()+,;=@%-]+))+\/?$/,
  ).refine(isDecodable, {
    error: "a path whose percent-encoding is that of UTF-8, and of none of / : * ? { }",
  }),
  methods: oneOrMany(oneOf(HTTP_METHODS)),
  auth: mappingOr(oneOf(["none", "token"]), signature),
  max_body: size({ min: "0B", max: "100MB" }),
  rate_limit: mapping(
    {
      limit: count(1, 1_000_000),
      per: duration({ min: "1s", max: "1d" }),
      by: text(
        "ip, token, header.NAME or query.NAME",
        /^(ip|token|header\.[\w!#$%&'*+.^`|~-]+|query\.\S+)$/,
      ),
    },
    ["limit", "per"],
  ),
  timeout: duration({
    min: "1ms",
    max: "5m",
    above: "whoever called does not wait longer; let a task do the work",
  }),
  fallback: method,
  cors: mapping(
    {
      origins: oneOrMany(
        text("an origin such as https://example.org, or *", /^\*$|^https?:\/\/[^\s/?#]+$/),
      ),
    },
    ["origins"],
  ),
  open,
  redact: oneOrMany(
    text(
      "a path into the body, such as body.user.email or body.items.*.email",
      /^body(\.[^\s.]+)+$/,
    ),
  ),
};

/**
 * The keys of the file. The entries of `tasks` and `endpoints` are checked one by one by
 * `validate.ts`.
 */
export const ROOT_SHAPE = {
  codops: text("a short text"),
  retention: duration({ min: "1s", max: "3650d" }),
  inline_limit: size({
    min: "0B",
    max: "256KB",
    above: "larger payloads go to R2, where any size is fine",
  }),
  on_failure: taskName,
  defaults: mapping(DEFAULTS_SHAPE),
  tasks: z.unknown(),
  endpoints: z.unknown(),
};

export type TaskConf = Parsed<typeof TASK_SHAPE>;
export type EndpointConf = Parsed<typeof ENDPOINT_SHAPE>;
export type RootConf = Parsed<typeof ROOT_SHAPE>;

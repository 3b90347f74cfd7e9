/**
 * The keys of an endpoint in peach.conf. Checks that compare an endpoint with other keys are in
 * `check-endpoints.ts`.
 */
import { isTimed, SIGNATURE_SCHEMES, TIMED_SCHEMES } from "../domain/plan/endpoint-auth.ts";
import { functionName, method, module, open } from "./schema-names.ts";
import { RECOMMENDATION_SHAPE } from "./schema-recommendation.ts";
import { mapping, mappingOr, oneOf, oneOrMany, text } from "./schema-parts.ts";
import { count, duration, size } from "./schema-quantities.ts";

/**
 * The name of an environment variable. Secrets of Stripe and Standard Webhooks begin with `whsec_`:
 * such a value is the secret itself, written into peach.conf by mistake.
 */
const ENV_NAME = /^(?!whsec_)[A-Za-z_][A-Za-z0-9_]*$/;
/** A token of RFC 9110, as header names are defined. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * The mapping form of an endpoint's `auth`. Each scheme has its own keys, and a key of another
 * scheme is refused: it would have no effect.
 */
const signature = mapping(
  {
    signature: oneOf(SIGNATURE_SCHEMES).describe("Who signs the deliveries, and how."),
    secret: text(
      "the name of an environment variable, such as GITHUB_SECRET (not the secret itself)",
      ENV_NAME,
    ).meta({
      description: "The variable that holds the secret, not the secret itself.",
      examples: ["GITHUB_SECRET"],
    }),
    header: text("the name of a header, such as x-signature", HEADER_NAME).meta({
      description: "The header with the digest; of hmac-sha256 only.",
      default: "x-signature",
    }),
    tolerance: duration({ min: "1s", max: "1d" }).describe(
      "How old a signed time may be, 1s to 1d. Default: 5m, of sns 1h.",
    ),
    topics: oneOrMany(
      text(
        "the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:uploads",
        /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/,
      ),
    ).meta({
      description: "The ARNs of the topics that are accepted; of sns only.",
      examples: ["arn:aws:sns:eu-west-1:123456789012:uploads"],
    }),
  },
  ["signature"],
).superRefine(({ signature: scheme, secret, header, tolerance, topics }, context) => {
  if (scheme === undefined) return;
  const miss = (key: string): void =>
    context.addIssue({
      code: "custom",
      path: [key],
      message: `\`${key}\` is missing`,
      params: { code: "PEACH102", fault: "missing" },
    });
  const refuse = (key: string, hint: string): void =>
    context.addIssue({
      code: "custom",
      path: [key],
      message: `${scheme} has no \`${key}\``,
      params: { code: "PEACH107", fault: "key", hint },
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
  method: method.describe("The exported function; `components` stand in its place."),
  module,
  url: text(
    "a path that begins with / and holds texts or :params, such as /hooks/:kind",
    /^\/$|^(\/(:[A-Za-z_]\w*|[\w.~!$&'()+,;=@%-]+))+\/?$/,
  )
    .refine(isDecodable, {
      error: "a path whose percent-encoding is that of UTF-8, and of none of / : * ? { }",
    })
    .meta({
      description: "The path, with :params. Default: / and the endpoint's name.",
      examples: ["/hooks/:kind"],
    }),
  methods: oneOrMany(oneOf(HTTP_METHODS)).describe(
    "The methods of HTTP. Default: any; GET of a recommendation endpoint.",
  ),
  auth: mappingOr(oneOf(["none", "token"]), signature).meta({
    description: "Who may call it: anyone, callers with a token of the API, or senders that sign.",
    default: "none",
    examples: [{ signature: "github", secret: "GITHUB_SECRET" }],
  }),
  max_body: size({ min: "0B", max: "100MB" }).meta({
    description: "The largest body, 0B to 100MB; at most 25MB with a signature.",
    default: "10MB",
  }),
  rate_limit: mapping(
    {
      limit: count(1, 1_000_000).meta({
        description: "How many requests of one caller are let in.",
        examples: [60],
      }),
      per: duration({ min: "1s", max: "1d" }).meta({
        description: "The sliding window, 1s to 1d.",
        examples: ["1m"],
      }),
      by: text(
        "ip, token, header.NAME or query.NAME",
        /^(ip|token|header\.[\w!#$%&'*+.^`|~-]+|query\.\S+)$/,
      ).meta({ description: "What tells callers apart.", default: "ip" }),
    },
    ["limit", "per"],
  ).meta({
    description: "How often a caller may come; more is answered 429 with Retry-After.",
    examples: [{ limit: 60, per: "1m", by: "ip" }],
  }),
  timeout: duration({
    min: "1ms",
    max: "5m",
    above: "whoever called does not wait longer; let a task do the work",
  }).meta({
    description:
      "Of the method, and of the fallback, 1ms to 5m; after it the answer is 504. " +
      "With components: of the fallback alone. Default: 30s, with components 1s.",
  }),
  fallback: functionName.meta({
    description:
      "The exported function that is called if the method, or a component, throws or reaches its " +
      "timeout.",
    examples: ["editors_choice"],
  }),
  cors: mapping(
    {
      origins: oneOrMany(
        text("an origin such as https://example.org, or *", /^\*$|^https?:\/\/[^\s/?#]+$/),
      ).meta({
        description: "The origins of the pages; * for all.",
        examples: ["https://example.org"],
      }),
    },
    ["origins"],
  ).meta({
    description: "Whose pages may call it in a browser. Default: none.",
    examples: [{ origins: ["https://example.org"] }],
  }),
  open,
  redact: oneOrMany(
    text(
      "a path into the body, such as body.user.email or body.items.*.email",
      /^body(\.[^\s.]+)+$/,
    ),
  ).meta({
    description: "Paths in bodies of JSON and forms that are not recorded.",
    examples: ["body.user.email"],
  }),
  ...RECOMMENDATION_SHAPE,
};

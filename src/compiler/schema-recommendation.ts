/**
 * The keys of a recommendation endpoint in peach.conf. Checks that compare the keys with each other
 * are in `check-recommendations.ts`.
 */
import * as z from "zod";
import {
  PARAM_TYPES,
  type ParamPlan,
  type ParamValue,
  SPLIT_SUBJECTS,
} from "../domain/plan/recommendation-plan.ts";
import { misfitOf } from "../domain/recommendations/params.ts";
import { functionName, module, NAME } from "./schema-names.ts";
import {
  entries,
  flag,
  mapping,
  oneOf,
  oneOrMany,
  type Parsed,
  shorthand,
  single,
  text,
} from "./schema-parts.ts";
import { inexactHint } from "./exact-numbers.ts";
import { count, duration, numeral } from "./schema-quantities.ts";

/** The default of `max_length`. Longer texts are seldom meant, and would fill the cache. */
const DEFAULT_MAX_LENGTH = 1_000;

/**
 * A value of a parameter, as peach.conf writes it. YAML decides the type: `1` is a number, `"1"` a
 * text. The type of the parameter is compared later.
 */
const paramValue = single(
  { type: ["string", "number", "boolean"] },
  (given, refuse): ParamValue => {
    const hint = inexactHint(given);
    if (hint !== null)
      return refuse("a number that JSON holds exactly", { code: "PEACH105", hint });
    return typeof given === "string" || typeof given === "number" || typeof given === "boolean"
      ? given
      : refuse("a text, a number, true or false");
  },
);

const PARAM_SHAPE = {
  type: oneOf(PARAM_TYPES).describe("What the value is read as."),
  required: flag().meta({
    description: "Whether a request without it is refused.",
    default: false,
  }),
  default: paramValue.meta({ description: "The value of a request without it.", examples: [10] }),
  minimum: numeral("a number").meta({
    description: "The least value of an integer or a number.",
    examples: [1],
  }),
  maximum: numeral("a number").meta({
    description: "The greatest value of an integer or a number.",
    examples: [50],
  }),
  enum: oneOrMany(paramValue).meta({
    description: "The allowed values.",
    examples: [["news", "sport"]],
  }),
  pattern: text("a regular expression such as ^[a-z0-9-]+$").meta({
    description: "A regular expression; a text must contain a match. Use ^ and $ for all of it.",
    examples: ["^[a-z0-9-]+$"],
  }),
  max_length: count(1, 8_000).meta({
    description: "The most characters of a text, 1 to 8000.",
    default: DEFAULT_MAX_LENGTH,
  }),
  description: z
    .string({ error: "a text" })
    .meta({ description: "A text for people.", examples: ["Who asks"] }),
};

/** A parameter in peach.conf. */
export type ParamConf = Parsed<typeof PARAM_SHAPE>;

/** The types that a key of a parameter is for. */
const TYPES_OF = {
  minimum: ["integer", "number"],
  maximum: ["integer", "number"],
  pattern: ["string"],
  max_length: ["string"],
} as const;

/**
 * A parameter: the type alone, or a mapping. Rules that compare keys of one parameter are checked
 * here, so that a report stands at the key in question.
 */
const param = shorthand(
  "type",
  mapping(PARAM_SHAPE, ["type"]).superRefine((given, context) => {
    const { type, minimum = -Infinity, maximum = Infinity, required } = given;
    if (type === undefined) return;
    const report = (
      key: string | readonly [string, number],
      message: string,
      hint: string | null = null,
      fault: "key" | "value" = "key",
    ): void =>
      context.addIssue({
        code: "custom",
        path: [key].flat(),
        message,
        params: { code: fault === "key" ? "PEACH107" : "PEACH115", fault, hint },
      });
    for (const [key, types] of Object.entries(TYPES_OF)) {
      const isForeign = Reflect.get(given, key) !== undefined && !types.some((one) => one === type);
      if (isForeign)
        report(
          key,
          `\`${key}\` is for the type ${types.join(" or ")}`,
          "remove it, or change `type`",
        );
    }
    if (required === true && given.default !== undefined)
      report(
        "default",
        "a required parameter has no use for a default",
        "remove one of the two: a request without the parameter is refused, or gets the default",
      );
    if (minimum > maximum) report("minimum", "a number of at most `maximum`", null, "value");
    if (given.pattern !== undefined && !isPattern(given.pattern))
      report("pattern", "a regular expression of JavaScript", null, "value");
    else checkValues(given, report);
  }),
);

/**
 * Reports values of `enum` and `default` that no request could have. The rules are the rules of the
 * worker.
 */
function checkValues(
  given: ParamConf,
  report: (
    key: string | readonly [string, number],
    message: string,
    hint: string | null,
    fault: "value",
  ) => void,
): void {
  const { type, enum: allowed = [] } = given;
  if (type === undefined) return;
  for (const [index, value] of allowed.entries())
    if (!isOfType(type, value)) report(["enum", index], expectedOf(type), null, "value");
  const { default: assumed } = given;
  if (assumed === undefined) return;
  const misfit = isOfType(type, assumed) ? misfitOf(paramPlan("", given), assumed) : null;
  if (!isOfType(type, assumed)) report("default", expectedOf(type), null, "value");
  else if (misfit !== null)
    report("default", "a value that a request may have", `the default ${misfit}`, "value");
}

/** Tests if a value of peach.conf has the type of the parameter. */
function isOfType(type: ParamPlan["type"], value: ParamValue): boolean {
  if (type === "integer") return Number.isSafeInteger(value);
  return typeof value === type;
}

/** Names the expected value, for messages. */
function expectedOf(type: ParamPlan["type"]): string {
  if (type === "string") return "a text, in quotes if it looks like a number";
  if (type === "boolean") return "true or false";
  return type === "integer" ? "a whole number" : "a number";
}

/** Tests for a regular expression that the worker can compile. */
function isPattern(given: string): boolean {
  try {
    return new RegExp(given, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

/**
 * The plan of a parameter, with all defaults. Called for a conf without problems, and by the check
 * of a default value.
 */
export function paramPlan(name: string, given: ParamConf): ParamPlan {
  return {
    name,
    type: given.type ?? "string",
    required: given.required ?? false,
    default: given.default ?? null,
    minimum: given.minimum ?? null,
    maximum: given.maximum ?? null,
    enum: given.enum ?? null,
    pattern: given.pattern ?? null,
    maxLength: given.max_length ?? DEFAULT_MAX_LENGTH,
    description: given.description ?? null,
  };
}

/**
 * A component: the exported function alone, or a mapping. The longest timeout is far below the
 * limits of the platform: a page waits for the answer.
 */
const component = shorthand(
  "method",
  mapping(
    {
      method: functionName.meta({
        description: "The exported function: (params, endpoint) => JSON value.",
        examples: ["by_history"],
      }),
      module,
      weight: numeral("a number from 0 to 1000000", 0, 1_000_000).meta({
        description: "The share of the requests, beside the weights of the others. 0: none.",
        default: 1,
      }),
      timeout: duration({
        min: "1ms",
        max: "30s",
        above: "a recommendation is served while a page loads; let a task compute it ahead",
      }).meta({
        description: "After this time the fallback answers, 1ms to 30s.",
        default: "1s",
      }),
    },
    ["method"],
  ),
);

/** The further keys of a recommendation endpoint. */
export const RECOMMENDATION_SHAPE = {
  params: entries("parameter", NAME, param).meta({
    description: "The parameters of the query, by name: a type, or a mapping.",
    examples: [
      { user: { type: "string", required: true }, limit: { type: "integer", default: 10 } },
    ],
  }),
  split: mapping(
    {
      by: oneOf(SPLIT_SUBJECTS).describe("Who keeps a component: a user, a client, a session."),
      param: text("the name of a parameter", NAME).meta({
        description: "The parameter with the user.",
        examples: ["user"],
      }),
    },
    ["by"],
  ).meta({
    description: "How a request gets its component. Default: at random.",
    examples: [{ by: "user", param: "user" }],
  }),
  components: entries("component", NAME, component).meta({
    description: "The ways to compute the answer, by name: an exported function, or a mapping.",
    examples: [{ history: { method: "by_history", weight: 80, timeout: "200ms" } }],
  }),
  cache: duration({ min: "1s", max: "7d" }).describe(
    "How long an answer is kept for the same component and parameters, 1s to 7d. Default: not.",
  ),
};

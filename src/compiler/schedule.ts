/** The key `schedule` of a task: its shape, and what the plan makes of it. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { CATCH_UPS, OVERLAPS, type CatchUpRule, type SchedulePlan } from "../domain/plan/plan.ts";
import { cronFault, normalCron, timezoneFault } from "../domain/schedules/cron.ts";
import { duration, mapping, oneOf, shorthand } from "./schema-parts.ts";

const DAY_MS = 86_400_000;
/** As text. It is part of the deployed worker, and rides with every run. */
const MAX_PAYLOAD_CHARACTERS = 131_072;

const cron = z.unknown().transform((given, context): string => {
  const fault =
    typeof given === "string"
      ? cronFault(given)
      : { expected: "a cron expression as text", hint: null };
  if (typeof given === "string" && fault === null) return normalCron(given);
  context.addIssue({
    code: "custom",
    message: fault?.expected ?? "",
    params: { hint: fault?.hint },
    input: given,
  });
  return z.NEVER;
});

const timezone = z.unknown().transform((given, context): string => {
  const fault = typeof given === "string" ? timezoneFault(given) : { hint: null };
  if (typeof given === "string" && fault === null) return given;
  const message = "a time zone of the IANA database, such as Europe/Zurich";
  context.addIssue({ code: "custom", message, params: { hint: fault?.hint }, input: given });
  return z.NEVER;
});

const payload = z.unknown().superRefine((given, context) => {
  const wrong = notJson(given, []);
  if (wrong !== null) context.addIssue({ code: "custom", ...wrong, input: given });
  else if (JSON.stringify(given).length > MAX_PAYLOAD_CHARACTERS) {
    const hint = "store it where the task can read it, and say where";
    context.addIssue({
      code: "custom",
      message: "a JSON value of at most 128KB",
      params: { hint },
      input: given,
    });
  }
});

/** What a schedule may say. */
export const SCHEDULE_SHAPE = {
  cron,
  timezone,
  overlap: oneOf(OVERLAPS),
  catch_up: shorthand(
    "policy",
    mapping({ policy: oneOf(CATCH_UPS), window: duration({ min: "1m", max: "365d" }) }, ["policy"]),
  ),
  payload,
};

/** One schedule, or its cron expression alone. */
export const schedule = shorthand("cron", mapping(SCHEDULE_SHAPE, ["cron"]));

type ScheduleConf = z.output<typeof schedule>;

/** The schedules of a task as they run, every default filled in. One without a valid cron is left out. */
export function schedulePlans(schedules: readonly ScheduleConf[]): SchedulePlan[] {
  return schedules.flatMap(({ cron, ...more }) =>
    cron === undefined ? [] : [schedulePlan({ ...more, cron })],
  );
}

function schedulePlan(conf: ScheduleConf & { readonly cron: string }): SchedulePlan {
  return {
    id: scheduleId(conf),
    cron: conf.cron,
    timezone: conf.timezone ?? "UTC",
    overlap: conf.overlap ?? "allow",
    catchUp: catchUpRule(conf),
    payload: payloadText(conf),
  };
}

function catchUpRule({ catch_up: { policy = "latest", window } = {} }: ScheduleConf): CatchUpRule {
  return { policy, windowMs: window ?? (policy === "all" ? DAY_MS : null) };
}

/** What a schedule is known by, together with its task: a change of anything else leaves it the same schedule. */
function scheduleId(conf: ScheduleConf & { readonly cron: string }): string {
  const known = JSON.stringify([conf.cron, conf.timezone ?? "UTC", payloadText(conf)]);
  return createHash("sha256").update(known).digest("hex").slice(0, 12);
}

/** A payload that is written as nothing is null; one that is not written is absent. */
function payloadText(conf: ScheduleConf): string | null {
  return "payload" in conf ? JSON.stringify(conf.payload ?? null) : null;
}

/** What JSON cannot say, or not exactly. */
interface NotJson {
  readonly path: PropertyKey[];
  readonly message: string;
  readonly params: { readonly hint: string | null };
}

const NO_NUMBER: NotJson = {
  path: [],
  message: "a number that JSON holds exactly",
  params: {
    hint: "whole numbers are exact up to 9007199254740991: write a larger one as a text, in quotes",
  },
};
const CIRCLE: NotJson = { path: [], message: "a JSON value", params: { hint: null } };

/** YAML has .nan, .inf and whole numbers of any length (which come as BigInt), and an anchor may hold itself. The first such place, or null. */
function notJson(value: unknown, above: readonly unknown[]): NotJson | null {
  if (typeof value === "number") return Number.isFinite(value) ? null : NO_NUMBER;
  if (typeof value === "bigint") return NO_NUMBER;
  if (typeof value !== "object" || value === null) return null;
  if (above.includes(value)) return CIRCLE;
  for (const [key, inner] of Object.entries(value)) {
    const wrong = notJson(inner, [...above, value]);
    if (wrong !== null)
      return { ...wrong, path: [Array.isArray(value) ? Number(key) : key, ...wrong.path] };
  }
  return null;
}

/** The key `schedule` of a task: its schema, and its part of the plan. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { CATCH_UPS, OVERLAPS, type CatchUpRule, type SchedulePlan } from "../domain/plan/plan.ts";
import { cronFault, normalCron, timezoneFault } from "../domain/schedules/cron.ts";
import { inexactHint } from "./exact-numbers.ts";
import { nearCron } from "./near-values.ts";
import { mapping, oneOf, shorthand, single } from "./schema-parts.ts";
import { duration } from "./schema-quantities.ts";

const DAY_MS = 86_400_000;
/**
 * The longest payload as JSON text, in characters. It is part of the deployed worker and travels
 * with every run.
 */
const MAX_PAYLOAD_CHARACTERS = 131_072;
/** The most reported values of one payload: aliases may repeat a wrong one without end. */
const MAX_FAULTS = 20;

/** A cron expression, normalised so that equal schedules have equal texts. */
const cron = single({ type: "string" }, (given, refuse) => {
  if (typeof given !== "string") return refuse("a cron expression as text", { code: "PEACH111" });
  const fault = cronFault(given);
  if (fault === null) return normalCron(given);
  return refuse(fault.expected, { code: "PEACH111", hint: hintForCron(given) ?? fault.hint });
});

/** Proposes the expression for usual words; null for anything else. */
function hintForCron(given: string): string | null {
  const meant = nearCron(given);
  return meant === null ? null : `did you mean "${meant}"?`;
}

/** A name of the IANA time zone database. */
const timezone = single({ type: "string" }, (given, refuse) => {
  const fault = typeof given === "string" ? timezoneFault(given) : { hint: null };
  if (typeof given === "string" && fault === null) return given;
  const what = "a time zone of the IANA database, such as Europe/Zurich";
  return refuse(what, { code: "PEACH112", hint: fault?.hint });
});

/** A payload that JSON represents exactly. */
const payload = z.unknown().superRefine((given, context) => {
  const wrong = [...notJson(given, []).take(MAX_FAULTS)];
  for (const fault of wrong) context.addIssue({ code: "custom", ...fault, input: given });
  if (wrong.length === 0 && JSON.stringify(given).length > MAX_PAYLOAD_CHARACTERS) {
    const hint = "store it where the task can read it, and say where";
    context.addIssue({
      code: "custom",
      message: "a JSON value of at most 128KB",
      params: { code: "PEACH113", hint },
      input: given,
    });
  }
});

/** The keys of a schedule. A plain text is the cron expression. */
export const SCHEDULE_SHAPE = {
  cron: cron.meta({
    description:
      "When it is due: minutes, hours, day of month, month, day of week; a sixth field, in front, is " +
      "seconds. Or @hourly, @daily, @weekly, @monthly, @yearly.",
    examples: ["0 3 * * *", "*/5 * * * *"],
  }),
  timezone: timezone.meta({
    description: "The time zone of cron, by its name in the IANA database.",
    default: "UTC",
    examples: ["Europe/Zurich"],
  }),
  overlap: oneOf(OVERLAPS).meta({
    description: "What a due time does while the run of the last one is not final.",
    default: "allow",
  }),
  catch_up: shorthand(
    "policy",
    mapping(
      {
        policy: oneOf(CATCH_UPS).describe("Which of the missed due times start a run."),
        window: duration({ min: "1m", max: "365d" }).describe(
          "How far back missed due times count, 1m to 365d. The default of `all` is 24h.",
        ),
      },
      ["policy"],
    ),
  ).meta({
    description: "What happens to due times that were missed because nothing was running.",
    default: "latest",
  }),
  payload: payload.meta({
    description: "What its runs carry: any JSON value up to 128KB.",
    examples: [{ days: 7 }],
  }),
};

/** A schedule, or its cron expression alone. */
export const schedule = shorthand("cron", mapping(SCHEDULE_SHAPE, ["cron"]));

/** A schedule as peach.conf has it. */
type ScheduleConf = z.output<typeof schedule>;

/**
 * Builds the schedules of a task with every default. Leaves out a schedule without a valid cron,
 * which was reported.
 */
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

/**
 * The policy for missed times. `all` starts a run for each missed time, so its window is one day by
 * default.
 */
function catchUpRule({ catch_up: { policy = "latest", window } = {} }: ScheduleConf): CatchUpRule {
  return { policy, windowMs: window ?? (policy === "all" ? DAY_MS : null) };
}

/**
 * The identity of a schedule, together with its task. Its remaining keys may change without making
 * a new schedule.
 */
function scheduleId(conf: ScheduleConf & { readonly cron: string }): string {
  const known = JSON.stringify([conf.cron, conf.timezone ?? "UTC", payloadText(conf)]);
  return createHash("sha256").update(known).digest("hex").slice(0, 12);
}

/** Serialises the payload. A written but empty payload is JSON null; a missing one is absent. */
function payloadText(conf: ScheduleConf): string | null {
  return "payload" in conf ? JSON.stringify(conf.payload ?? null) : null;
}

/** A value that JSON cannot represent, or not exactly, and where it stands. */
interface NotJson {
  readonly path: PropertyKey[];
  readonly message: string;
  readonly params: { readonly code: "PEACH113"; readonly hint: string | null };
}

/** The fault of a value that contains itself, by a YAML alias. */
const CIRCLE: NotJson = {
  path: [],
  message: "a JSON value",
  params: { code: "PEACH113", hint: null },
};

/**
 * Finds the values that JSON cannot represent. YAML has `.nan` and `.inf`, whole numbers of any
 * length, and anchors that contain themselves.
 */
function* notJson(value: unknown, above: readonly unknown[]): Generator<NotJson, undefined> {
  const hint = inexactHint(value);
  if (hint !== null) {
    const params = { code: "PEACH113", hint } as const;
    yield { path: [], message: "a number that JSON holds exactly", params };
  }
  if (typeof value !== "object" || value === null) return;
  if (above.includes(value)) {
    yield CIRCLE;
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key;
    for (const wrong of notJson(inner, [...above, value]))
      yield { ...wrong, path: [step, ...wrong.path] };
  }
}

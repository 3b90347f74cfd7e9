/** Plans as `conf/compile` makes them, with the defaults of peach.conf for all that a test does not say. */
import type { EndpointPlan, Plan, R2Rule, SchedulePlan, TaskPlan } from "../../src/domain/plan/plan.ts";

/** A task of the method of its name. */
export function taskPlan(
  name: string,
  overrides: Partial<Omit<TaskPlan, "on">> & { readonly on?: Partial<TaskPlan["on"]> } = {},
): TaskPlan {
  return {
    name,
    method: name,
    description: null,
    downstream: [],
    upstream: [],
    runIf: "all_success",
    retries: { limit: 0, delayMs: 1000, backoff: "exponential", maxDelayMs: 300_000, jitter: true },
    timeoutMs: 25_000,
    external: false,
    dispatch: "queue",
    each: null,
    debounce: null,
    limits: null,
    schedules: [],
    ...overrides,
    on: { r2: [], events: [], ...overrides.on },
  };
}

/** An endpoint of the method of its name, at the url of its name, for any HTTP method. */
export function endpointPlan(name: string, overrides: Partial<EndpointPlan> = {}): EndpointPlan {
  return {
    name,
    method: name,
    url: `/${name}`,
    methods: null,
    auth: { type: "none" },
    maxBodyBytes: 1024,
    timeoutMs: 30_000,
    fallback: null,
    cors: null,
    rateLimit: null,
    redact: [],
    ...overrides,
  };
}

/** Every creation in the bucket `uploads`. */
export function r2Rule(overrides: Partial<R2Rule> = {}): R2Rule {
  return { bucket: "uploads", prefix: "", suffix: "", actions: ["create"], ...overrides };
}

/** Of every hour. */
export function schedulePlan(overrides: Partial<SchedulePlan> = {}): SchedulePlan {
  return {
    id: "hourly",
    cron: "0 * * * *",
    timezone: "UTC",
    overlap: "allow",
    catchUp: { policy: "none", windowMs: null },
    payload: null,
    ...overrides,
  };
}

export function planOf(tasks: readonly TaskPlan[], overrides: Partial<Omit<Plan, "tasks">> = {}): Plan {
  return {
    version: "test",
    codops: "default",
    retentionMs: 86_400_000,
    inlineLimitBytes: 32_768,
    onFailure: null,
    endpoints: [],
    buckets: { "peach-payloads": "PAYLOADS", uploads: "UPLOADS" },
    ...overrides,
    tasks: Object.fromEntries(tasks.map((task) => [task.name, task])),
  };
}

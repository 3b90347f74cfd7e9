/**
 * Builds the plan from a conf without problems: fills in every default and resolves every name. The
 * worker reads the plan alone, and knows no default of its own.
 */
import { createHash } from "node:crypto";
import {
  DEFAULT_HMAC_HEADER,
  DEFAULT_TOLERANCE_MS,
  type EndpointAuth,
  isTimed,
} from "../domain/plan/endpoint-auth.ts";
import { DRIVER_LANE_MAX_TIMEOUT_MS } from "../domain/plan/run-graph.ts";
import type { TaskLimits } from "../domain/limits/limit.ts";
import type {
  CallerKey,
  EndpointRateLimit,
  DebouncePlan,
  EachPlan,
  EndpointPlan,
  Plan,
  R2Rule,
  RetryPolicy,
  TaskPlan,
} from "../domain/plan/plan.ts";
import type { RecommendationPlan, SplitPlan } from "../domain/plan/recommendation-plan.ts";
import { endpointUrl } from "./check-endpoints.ts";
import type { ResolvedMethod } from "./methods.ts";
import { paramPlan } from "./schema-recommendation.ts";
import { schedulePlans } from "./schedule.ts";
import type { EndpointConf, RootConf, TaskConf } from "./schema.ts";
import type { ValidConf } from "./validate.ts";

// Units: milliseconds and bytes.
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const KILOBYTE = 1024;
/** The longest timeout of an attempt. */
const LONGEST_ATTEMPT_MS = 14 * MINUTE;

/** The defaults of keys that peach.conf leaves out. */
const DEFAULT = {
  codops: "default",
  retentionMs: 30 * DAY,
  inlineLimitBytes: 32 * KILOBYTE,
  timeoutMs: 25 * SECOND,
  retries: {
    limit: 3,
    delayMs: SECOND,
    backoff: "exponential",
    maxDelayMs: 5 * MINUTE,
    jitter: true,
  },
  /** Parallel items of a task with `each`. */
  itemsAtATime: 1_000,
  /** Parallel items with a long timeout: each keeps a Durable Object of its own awake. */
  longItemsAtATime: 100,
  maxBodyBytes: 10 * KILOBYTE * KILOBYTE,
  endpointTimeoutMs: 30_000,
  componentTimeoutMs: SECOND,
} as const;

/** The methods of peach.conf by the name of their task or endpoint. */
export interface ResolvedMethods {
  readonly tasks: ReadonlyMap<string, ResolvedMethod>;
  readonly endpoints: ReadonlyMap<string, ResolvedMethod>;
  /** The methods of `fallback`, by the name of the endpoint. */
  readonly fallbacks: ReadonlyMap<string, ResolvedMethod>;
  /** The methods of `components`, by the names of endpoint and component. */
  readonly components: ReadonlyMap<string, ReadonlyMap<string, ResolvedMethod>>;
}

/** Lists the methods that answer requests: of endpoints, components and fallbacks. */
export function answeringMethods(methods: ResolvedMethods): readonly ResolvedMethod[] {
  const { endpoints, fallbacks, components } = methods;
  const parts = [...components.values()].flatMap((each) => [...each.values()]);
  return [...endpoints.values(), ...parts, ...fallbacks.values()];
}

/**
 * Builds the plan. The checks have run before, so a missing method is a bug and throws. `version`
 * is a hash of the content: the same conf always has the same version.
 */
export function buildPlan(
  conf: ValidConf,
  methods: ResolvedMethods,
  buckets: Plan["buckets"],
  { patientTimeouts = false }: { readonly patientTimeouts?: boolean | undefined } = {},
): Plan {
  const upstream = new Map<string, string[]>();
  for (const [name, { downstream = [] }] of conf.tasks) {
    for (const child of downstream) upstream.set(child, [...(upstream.get(child) ?? []), name]);
  }
  // Without a prototype, so that no task name collides with a property of objects.
  const tasks: Record<string, TaskPlan> = Object.create(null);
  for (const [name, task] of conf.tasks) {
    const given = task.timeout ?? conf.root.defaults?.timeout ?? DEFAULT.timeoutMs;
    // The timeout of an external task is the time that others have for its completion.
    const timeoutMs = patientTimeouts && task.external !== true ? LONGEST_ATTEMPT_MS : given;
    tasks[name] = {
      name,
      ...methodOf(methods.tasks, name),
      description: task.description ?? null,
      downstream: task.downstream ?? [],
      upstream: upstream.get(name) ?? [],
      runIf: task.run_if ?? "all_success",
      retries: retryPolicy(task, conf.root),
      timeoutMs,
      each: eachPlan(task, timeoutMs),
      external: task.external ?? false,
      debounce: debouncePlan(task),
      limits: taskLimits(task),
      dispatch: task.dispatch ?? conf.root.defaults?.dispatch ?? "queue",
      on: { r2: (task.on?.r2 ?? []).flatMap(r2Rule), events: task.on?.event ?? [] },
      schedules: schedulePlans(task.schedule ?? []),
      ...(task.open !== undefined && { open: task.open }),
      ...(task.late_after !== undefined && { lateAfterMs: task.late_after }),
      ...(task.tags !== undefined && { tags: task.tags }),
      ...(task.callable !== undefined && { callable: task.callable }),
    };
  }
  const content = {
    codops: conf.root.codops ?? DEFAULT.codops,
    retentionMs: conf.root.retention ?? DEFAULT.retentionMs,
    inlineLimitBytes: conf.root.inline_limit ?? DEFAULT.inlineLimitBytes,
    onFailure: conf.root.on_failure ?? null,
    tasks,
    endpoints: [...conf.endpoints].map(([name, endpoint]) => {
      const planned = endpointPlan(name, endpoint, methods);
      return patientTimeouts ? withPatience(planned) : planned;
    }),
    buckets,
  };
  const version = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 12);
  return { version, ...content };
}

/** Gives each call of an endpoint the longest timeout. */
function withPatience({ recommendation, ...endpoint }: EndpointPlan): EndpointPlan {
  const timeoutMs = LONGEST_ATTEMPT_MS;
  if (recommendation === undefined) return { ...endpoint, timeoutMs };
  const components = recommendation.components.map((one) => ({ ...one, timeoutMs }));
  return { ...endpoint, timeoutMs, recommendation: { ...recommendation, components } };
}

/** The key of a task's method, and its module if the key does not contain it. */
function methodOf(
  methods: ReadonlyMap<string, ResolvedMethod>,
  name: string,
): Pick<Plan["tasks"][string], "method" | "module"> {
  const method = keyOf(methods, name);
  const module = methods.get(name)?.module;
  return { method, ...(module !== undefined && !method.includes("#") && { module }) };
}

/** The registry key of a method, which the checks have found before. */
function keyOf(methods: ReadonlyMap<string, ResolvedMethod>, name: string): string {
  const method = methods.get(name);
  if (method === undefined) throw new Error(`${name} was compiled without its method`);
  return method.key;
}

/** The debounce of a task in milliseconds, or null without one. */
function debouncePlan({ debounce }: TaskConf): DebouncePlan | null {
  if (debounce?.delay === undefined) return null;
  return {
    delayMs: debounce.delay,
    maxWaitMs: debounce.max_wait ?? null,
    key: pathOf(debounce.key),
  };
}

/** The limits of a task, or null without any. A priority alone orders nothing. */
function taskLimits({ concurrency, rate_limit: rate, priority = 0 }: TaskConf): TaskLimits | null {
  if (concurrency?.limit === undefined && rate?.limit === undefined) return null;
  return {
    concurrency:
      concurrency?.limit === undefined
        ? null
        : {
            limit: concurrency.limit,
            strategy: concurrency.strategy ?? "queue",
            key: pathOf(concurrency.key),
          },
    rateLimit:
      rate?.limit === undefined || rate.per === undefined
        ? null
        : { limit: rate.limit, perMs: rate.per, key: pathOf(rate.key) },
    priority: typeof priority === "number" ? priority : (pathOf(priority) ?? 0),
  };
}

/** Splits `payload.user.id` into the properties below the payload. */
function pathOf(key: string | undefined): readonly string[] | null {
  return key?.split(".").slice(1) ?? null;
}

/** The plan of `each`. Items of the long lane have a lower default for `max_parallel`. */
function eachPlan({ each }: TaskConf, timeoutMs: number): EachPlan | null {
  if (each === undefined) return null;
  const maxParallel =
    timeoutMs > DRIVER_LANE_MAX_TIMEOUT_MS ? DEFAULT.longItemsAtATime : DEFAULT.itemsAtATime;
  return { maxParallel: each.max_parallel ?? maxParallel, onError: each.on_error ?? "fail" };
}

/** Merges retries key by key: the task's own, then the file's defaults, then Peach's. */
function retryPolicy(task: TaskConf, root: RootConf): RetryPolicy {
  const said = { ...root.defaults?.retries, ...task.retries };
  const delayMs = said.delay ?? DEFAULT.retries.delayMs;
  return {
    limit: said.limit ?? DEFAULT.retries.limit,
    delayMs,
    backoff: said.backoff ?? DEFAULT.retries.backoff,
    // A delay above the default maximum is intended as written.
    maxDelayMs: said.max_delay ?? Math.max(delayMs, DEFAULT.retries.maxDelayMs),
    jitter: said.jitter ?? DEFAULT.retries.jitter,
  };
}

/** A rule of `on.r2` as peach.conf has it. */
type R2Conf = NonNullable<NonNullable<TaskConf["on"]>["r2"]>[number];

/** A rule of `on.r2` with its defaults: every key, and created objects only. */
function r2Rule({ bucket, prefix = "", suffix = "", actions = ["create"] }: R2Conf): R2Rule[] {
  return bucket === undefined ? [] : [{ bucket, prefix, suffix, actions: [...new Set(actions)] }];
}

/** The plan of an endpoint, with its defaults. */
function endpointPlan(
  name: string,
  endpoint: EndpointConf,
  methods: ResolvedMethods,
): EndpointPlan {
  const recommendation = recommendationPlan(name, endpoint, methods);
  const timeoutMs =
    recommendation === null ? DEFAULT.endpointTimeoutMs : DEFAULT.componentTimeoutMs;
  return {
    name,
    method: recommendation === null ? keyOf(methods.endpoints, name) : null,
    url: endpointUrl(name, endpoint),
    methods: endpoint.methods ?? (recommendation === null ? null : ["GET"]),
    auth: endpointAuth(endpoint),
    maxBodyBytes: endpoint.max_body ?? DEFAULT.maxBodyBytes,
    timeoutMs: endpoint.timeout ?? timeoutMs,
    fallback: methods.fallbacks.get(name)?.key ?? null,
    cors: endpoint.cors?.origins === undefined ? null : { origins: endpoint.cors.origins },
    ...(endpoint.open !== undefined && { open: endpoint.open }),
    rateLimit: endpointRateLimit(endpoint),
    redact: (endpoint.redact ?? []).map((path) => path.split(".").slice(1)),
    ...(recommendation !== null && { recommendation }),
  };
}

/** The parameters, the split and the components of an endpoint; null without components. */
function recommendationPlan(
  name: string,
  { params = new Map(), split, components, cache }: EndpointConf,
  methods: ResolvedMethods,
): RecommendationPlan | null {
  if (components === undefined) return null;
  const found = methods.components.get(name) ?? new Map();
  return {
    params: Array.from(params, ([param, given]) => paramPlan(param, given)),
    split: splitPlan(split),
    components: Array.from(components, ([component, { weight = 1, timeout }]) => ({
      name: component,
      method: keyOf(found, component),
      weight,
      timeoutMs: timeout ?? DEFAULT.componentTimeoutMs,
    })),
    cacheMs: cache ?? null,
  };
}

/** The split of an endpoint; at random unless `by` says otherwise. */
function splitPlan({
  by = "request",
  param = "",
}: NonNullable<EndpointConf["split"]> = {}): SplitPlan {
  return by === "user" ? { by, param } : { by };
}

/**
 * The rate limit of an endpoint; callers are told apart by IP address unless `by` says otherwise.
 */
function endpointRateLimit({ rate_limit: rate }: EndpointConf): EndpointRateLimit | null {
  if (rate?.limit === undefined || rate.per === undefined) return null;
  return { limit: rate.limit, perMs: rate.per, by: callerKey(rate.by ?? "ip") };
}

/**
 * Parses `by`: `ip`, `token`, `header.x-client` or `query.client`. Header names become lower case.
 */
function callerKey(by: string): CallerKey {
  const [type = "", ...rest] = by.split(".");
  const name = rest.join(".");
  if (type === "header") return { type, name: name.toLowerCase() };
  if (type === "query") return { type, name };
  return { type: type === "token" ? type : "ip" };
}

/**
 * The authentication of an endpoint, with the tolerance and header of its scheme. The key
 * combinations were checked with the schema.
 */
function endpointAuth({ auth = "none" }: EndpointConf): EndpointAuth {
  if (typeof auth === "string") return { type: auth };
  const { signature: scheme, secret, header, tolerance, topics } = auth;
  const type = "signature";
  if (scheme === "sns" && topics !== undefined)
    return { type, scheme, topics, toleranceMs: tolerance ?? DEFAULT_TOLERANCE_MS.sns };
  if (scheme === undefined || scheme === "sns" || secret === undefined)
    throw new Error("a signature was compiled without its secret or its topics");
  if (isTimed(scheme))
    return { type, secret, scheme, toleranceMs: tolerance ?? DEFAULT_TOLERANCE_MS[scheme] };
  if (scheme === "github") return { type, secret, scheme };
  return { type, secret, scheme, header: (header ?? DEFAULT_HMAC_HEADER).toLowerCase() };
}

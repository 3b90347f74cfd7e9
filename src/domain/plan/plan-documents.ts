/** JSON documents of tasks and endpoints, for the API and for `peach plan`. Pure. */
import {
  isCallable,
  type DebouncePlan,
  type EndpointPlan,
  type SchedulePlan,
  type TaskPlan,
} from "./plan.ts";
import type { RecommendationPlan } from "./recommendation-plan.ts";

/** Document of a task, without the schemas of its method: only the running worker has them. */
export function documentOfTask(task: TaskPlan) {
  const { retries, each, debounce } = task;
  return {
    task: task.name,
    method: task.method,
    description: task.description,
    upstream: task.upstream,
    downstream: task.downstream,
    on: task.on,
    schedules: task.schedules.map(documentOfSchedule),
    retries: {
      limit: retries.limit,
      delay_ms: retries.delayMs,
      backoff: retries.backoff,
      max_delay_ms: retries.maxDelayMs,
      jitter: retries.jitter,
    },
    timeout_ms: task.timeoutMs,
    run_if: task.runIf,
    each: each === null ? null : { max_parallel: each.maxParallel, on_error: each.onError },
    ...documentOfLimits(task),
    debounce: debounce === null ? null : documentOfDebounce(debounce),
    external: task.external,
    dispatch: task.dispatch,
    callable: isCallable(task),
  };
}

function documentOfDebounce({ delayMs, key, maxWaitMs }: DebouncePlan) {
  return { delay_ms: delayMs, key: keyText(key), max_wait_ms: maxWaitMs };
}

/** Document of an endpoint; `max_body` in bytes. */
export function documentOfEndpoint(endpoint: EndpointPlan) {
  const { name, method, url, methods, maxBodyBytes, timeoutMs, fallback } = endpoint;
  const { cors, rateLimit, redact, recommendation } = endpoint;
  return {
    name,
    method,
    url,
    methods,
    auth: documentOfAuth(endpoint),
    max_body: maxBodyBytes,
    timeout_ms: timeoutMs,
    fallback,
    cors,
    rate_limit:
      rateLimit === null
        ? null
        : {
            limit: rateLimit.limit,
            per_ms: rateLimit.perMs,
            by: Object.values(rateLimit.by).join("."),
          },
    redact: redact.map((path) => ["body", ...path].join(".")),
    ...(recommendation !== undefined && {
      recommendation: documentOfRecommendation(recommendation),
    }),
  };
}

/** Document of the parameters, the split and the components of an endpoint. */
function documentOfRecommendation(recommendation: RecommendationPlan) {
  const { params, split, components, cacheMs } = recommendation;
  return {
    params: params.map(({ maxLength, ...param }) => ({ ...param, max_length: maxLength })),
    split,
    components: components.map(({ name, method, weight, timeoutMs }) => ({
      name,
      method,
      weight,
      timeout_ms: timeoutMs,
    })),
    cache_ms: cacheMs,
  };
}

function documentOfSchedule({ cron, timezone, overlap, catchUp, payload }: SchedulePlan) {
  return {
    cron,
    timezone,
    overlap,
    catch_up: { policy: catchUp.policy, window_ms: catchUp.windowMs },
    ...(payload !== null && { payload: jsonValue(payload) }),
  };
}

function documentOfAuth({ auth }: EndpointPlan) {
  if (auth.type !== "signature") return auth.type;
  return {
    signature: auth.scheme,
    ...("secret" in auth && { secret: auth.secret }),
    ...("topics" in auth && { topics: auth.topics }),
    ...("header" in auth && { header: auth.header }),
    ...("toleranceMs" in auth && { tolerance_ms: auth.toleranceMs }),
  };
}

function documentOfLimits({ limits }: TaskPlan) {
  if (limits === null) return { concurrency: null, rate_limit: null, priority: null };
  const { concurrency, rateLimit, priority } = limits;
  const { limit = 0, key = null, strategy = "queue" } = concurrency ?? {};
  return {
    concurrency: concurrency === null ? null : { limit, key: keyText(key), strategy },
    rate_limit:
      rateLimit === null
        ? null
        : { limit: rateLimit.limit, per_ms: rateLimit.perMs, key: keyText(rateLimit.key) },
    priority: typeof priority === "number" ? priority : keyText(priority),
  };
}

/** Key path in the syntax of peach.conf. */
function keyText(path: readonly string[] | null): string | null {
  return path === null ? null : ["payload", ...path].join(".");
}

function jsonValue(text: string): unknown {
  return JSON.parse(text);
}

/** A deployed task and endpoint, as the API shows them. */
import { z } from "zod";
import type { EndpointPlan, TaskPlan } from "../core/plan.ts";
import { methodOf, type MethodRegistry } from "../task/method.ts";
import type { DocumentOf } from "./operation.ts";
import type { listEndpoints, readTask } from "./operations/deployment.ts";

type TaskDocument = DocumentOf<typeof readTask, 200>;
type EndpointDocument = DocumentOf<typeof listEndpoints, 200>["endpoints"][number];

/** The task with the schemas of its method. */
export function describeTask(task: TaskPlan, registry: MethodRegistry): TaskDocument {
  const method = methodOf(registry, task.method);
  const { retries, debounce } = task;
  return {
    task: task.name,
    method: task.method,
    description: task.description,
    upstream: task.upstream,
    downstream: task.downstream,
    on: task.on,
    schedules: task.schedules.map(({ cron, timezone, overlap, catchUp, payload }) => ({
      cron,
      timezone,
      overlap,
      catch_up: { policy: catchUp.policy, window_ms: catchUp.windowMs },
      ...(payload !== null && { payload: JSON.parse(payload) }),
    })),
    retries: {
      limit: retries.limit,
      delay_ms: retries.delayMs,
      backoff: retries.backoff,
      max_delay_ms: retries.maxDelayMs,
      jitter: retries.jitter,
    },
    timeout_ms: task.timeoutMs,
    run_if: task.runIf,
    debounce: debounce === null ? null : { delay_ms: debounce.delayMs, key: keyText(debounce.key) },
    dispatch: task.dispatch,
    input_schema: jsonSchemaOf(method?.input ?? null, "input"),
    output_schema: jsonSchemaOf(method?.output ?? null, "output"),
  };
}

export function describeEndpoint(endpoint: EndpointPlan): EndpointDocument {
  const { name, method, url, methods, maxBodyBytes, fallback, cors } = endpoint;
  return { name, method, url, methods, auth: describeAuth(endpoint), max_body: maxBodyBytes, fallback, cors };
}

function describeAuth({ auth }: EndpointPlan): EndpointDocument["auth"] {
  if (auth.type !== "signature") return auth.type;
  const { scheme, secret } = auth;
  return {
    signature: scheme,
    secret,
    ...("header" in auth && { header: auth.header }),
    ...("toleranceMs" in auth && { tolerance_ms: auth.toleranceMs }),
  };
}

/** As peach.conf writes it. */
function keyText(path: readonly string[] | null): string | null {
  return path === null ? null : ["payload", ...path].join(".");
}

/** What JSON Schema cannot say (a transform, a refinement) is left open. Null if the method has no schema, or it cannot be told at all. */
function jsonSchemaOf(schema: z.ZodType | null, io: "input" | "output"): Record<string, unknown> | null {
  if (schema === null) return null;
  try {
    return { ...z.toJSONSchema(schema, { io, unrepresentable: "any" }) };
  } catch {
    return null;
  }
}

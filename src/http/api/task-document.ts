/** A deployed task, as the API shows it. */
import { z } from "zod";
import { documentOfTask } from "../../domain/plan/plan-documents.ts";
import type { TaskPlan } from "../../domain/plan/plan.ts";
import type { PausedTask } from "../../objects/pauses/pauses-rpc.ts";
import { methodOf, type MethodRegistry } from "../../execution/author/method.ts";
import type { DocumentOf } from "../openapi/operation.ts";
import type { readTask } from "./deployment.operations.ts";

type TaskDocument = DocumentOf<typeof readTask, 200>;

/** The task with the schemas of its method, and whether it is one of the paused ones. */
export function describeTask(
  task: TaskPlan,
  registry: MethodRegistry,
  paused: readonly PausedTask[],
): TaskDocument {
  const method = methodOf(registry, task.method);
  const pause = paused.find((one) => one.task === task.name);
  return {
    ...documentOfTask(task),
    paused: pause === undefined ? null : { by: pause.by, at: new Date(pause.at).toISOString() },
    input_schema: jsonSchemaOf(method?.input ?? null, "input"),
    output_schema: jsonSchemaOf(method?.output ?? null, "output"),
  };
}

/** What JSON Schema cannot say (a transform, a refinement) is left open. Null if the method has no schema, or it cannot be told at all. */
function jsonSchemaOf(
  schema: z.ZodType | null,
  io: "input" | "output",
): Record<string, unknown> | null {
  if (schema === null) return null;
  try {
    return { ...z.toJSONSchema(schema, { io, unrepresentable: "any" }) };
  } catch {
    return null;
  }
}

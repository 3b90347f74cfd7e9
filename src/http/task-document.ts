/** A deployed task, as the API shows it. */
import { z } from "zod";
import { documentOfTask } from "../conf/plan-documents.ts";
import type { TaskPlan } from "../core/plan.ts";
import { methodOf, type MethodRegistry } from "../task/method.ts";
import type { DocumentOf } from "./operation.ts";
import type { readTask } from "./operations/deployment.ts";

type TaskDocument = DocumentOf<typeof readTask, 200>;

/** The task with the schemas of its method. */
export function describeTask(task: TaskPlan, registry: MethodRegistry): TaskDocument {
  const method = methodOf(registry, task.method);
  return {
    ...documentOfTask(task),
    input_schema: jsonSchemaOf(method?.input ?? null, "input"),
    output_schema: jsonSchemaOf(method?.output ?? null, "output"),
  };
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

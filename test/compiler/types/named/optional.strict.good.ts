import { triggerTaskWithEvent } from "peach/task-helpers";

/** Without `strictNullChecks` TypeScript does not know which payloads may be undefined. */
export async function greets(): Promise<void> {
  await triggerTaskWithEvent("greet");
  await triggerTaskWithEvent("greet", { first: "Ada" });
}

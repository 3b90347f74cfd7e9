/** A task that awaits a run which starts an hour after it was triggered. */
import { currentTask, step, triggerTaskWithEvent } from "../../../../src/task-helpers.ts";

/** How often the step before the wait was done, by run. */
export const stepsDone = new Map<string, number>();

export interface PatientPayload {
  /** Of the wait. */
  readonly timeout: string;
}

/** Passes how the other run ended. */
export async function patient({ timeout }: PatientPayload): Promise<unknown> {
  const { runId } = currentTask();
  const asked = await step("ask", () => {
    stepsDone.set(runId, (stepsDone.get(runId) ?? 0) + 1);
    return { since: "then" };
  });
  const child = await triggerTaskWithEvent("echo", "late", { delay: "1h" });
  const { status } = await child.result({ timeout });
  return { ...asked, child: child.runId, status };
}

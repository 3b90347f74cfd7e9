import type { RunId } from "../../src/domain/ids.ts";
import { acceptance, HandDrivenRun } from "./hand-driven.ts";
import { planOf, taskPlan } from "./plan.ts";

/** Records a run with the one task `only`. Attempts put what they pass into R2 only for a run that is there. */
export async function recordedRun(): Promise<RunId> {
  return (await HandDrivenRun.accept(acceptance(planOf([taskPlan("only")]), "only"))).run.id;
}

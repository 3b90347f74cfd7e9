/** Notifications of R2 that trigger a task. */
import * as z from "zod";
import { R2_ACTIONS } from "../domain/plan/plan.ts";

/** Objects and actions that trigger a task. */
export const r2Rule = z.object({
  bucket: z.string(),
  prefix: z.string(),
  suffix: z.string(),
  actions: z.array(z.enum(R2_ACTIONS)),
});

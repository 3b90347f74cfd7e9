/** The calls that steer runs. */
import { runDocument, runParams } from "../api-types.ts";
import type { Operation } from "../operation.ts";

const GROUP = "Steering";

export const cancelRun = {
  id: "cancelRun",
  method: "POST",
  path: "/runs/{id}/cancel",
  right: "change",
  group: GROUP,
  summary: "Cancels the run; running attempts are told through `signal`",
  params: runParams,
  answers: { 200: { description: "The run", document: runDocument } },
  problems: ["unknown_run", "run_final"],
} satisfies Operation;

export const retryRun = {
  id: "retryRun",
  method: "POST",
  path: "/runs/{id}/retry",
  right: "change",
  group: GROUP,
  summary: "Runs again what failed, and what did not run because of it; what succeeded is kept",
  params: runParams,
  answers: { 200: { description: "The run, which goes on", document: runDocument } },
  problems: ["unknown_run", "run_not_final", "nothing_to_retry"],
} satisfies Operation;

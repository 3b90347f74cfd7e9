/** `/runs/{id}`: one run, read from its own object. */
import { runSchema } from "../../contract/run.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { withCompletionUrls } from "./completion-urls.ts";
import { runParams } from "./parameters.ts";
import { unknownRun, withRunId } from "./run-id.ts";

/** `GET /runs/{id}`: the whole run. */
export const readRun = operation("GET /runs/{id}", {
  id: "readRun",
  right: "read_run",
  group: "Runs",
  summary: "The run: status, tasks, attempts, errors, the runs it triggered",
  params: runParams,
  answers: { 200: answer("The run", runSchema) },
  problems: ["unknown_run"],
});

/** Adds the route below /api/v1. */
export function runRoutes(routes: Routes, { callRun }: Needs<"callRun">): void {
  handle(routes, readRun, (c, { params, reply }) =>
    withRunId(c, params, async (runId) => {
      const document = await callRun(c.env, runId, (run) => run.describe());
      if (document === null) return problemResponse(c, unknownRun(runId));
      return reply(200, await withCompletionUrls(c, document, callRun));
    }),
  );
}

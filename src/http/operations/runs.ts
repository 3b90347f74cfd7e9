/** The calls about one run. */
import { z } from "zod";
import { anyJson, named, runDocument, runParams, runTaskParams, time } from "../api-types.ts";
import type { Operation } from "../operation.ts";

const GROUP = "Runs";

const payload = {
  200: { description: "The bytes, with their content type", contentTypes: ["*/*"] },
} as const;

export const readRun = {
  id: "readRun",
  method: "GET",
  path: "/runs/{id}",
  right: "read_run",
  group: GROUP,
  summary: "The run: status, tasks, attempts, errors, the runs it triggered",
  params: runParams,
  answers: { 200: { description: "The run", document: runDocument } },
  problems: ["unknown_run"],
} satisfies Operation;

export const readRunPayload = {
  id: "readRunPayload",
  method: "GET",
  path: "/runs/{id}/payload",
  right: "read_run",
  group: GROUP,
  summary: "What triggered the run",
  params: runParams,
  answers: payload,
  problems: ["unknown_run", "no_payload"],
} satisfies Operation;

export const readTaskPayload = {
  id: "readTaskPayload",
  method: "GET",
  path: "/runs/{id}/tasks/{task}/payload",
  right: "read_run",
  group: GROUP,
  summary: "What the task passed",
  params: runTaskParams,
  answers: payload,
  problems: ["unknown_run", "unknown_task", "no_payload"],
} satisfies Operation;

export const readTaskLogs = {
  id: "readTaskLogs",
  method: "GET",
  path: "/runs/{id}/tasks/{task}/logs",
  right: "read_run",
  group: GROUP,
  summary: "The log lines of the task",
  params: runTaskParams,
  answers: {
    200: {
      description: "The lines, oldest first",
      document: named(
        "Logs",
        z.object({
          logs: z.array(
            z.object({
              at: time,
              attempt: z.int(),
              level: z.enum(["info", "warn", "error"]),
              message: z.string(),
              fields: z.record(z.string(), anyJson).nullable(),
            }),
          ),
          dropped: z.int().describe("Lines beyond what an attempt may log"),
        }),
      ),
    },
  },
  problems: ["unknown_run", "unknown_task"],
} satisfies Operation;

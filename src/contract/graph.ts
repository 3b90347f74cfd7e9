/** The graph of the deployed tasks. */
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { r2Rule } from "./r2-rule.ts";
import { taskName } from "./values.ts";

/** Tasks, edges, triggers and endpoints. */
export const graphSchema = named(
  "Graph",
  z.object({
    conf_version: z.string(),
    tasks: z.array(
      z.object({
        task: taskName,
        description: z.string().nullable(),
        root: z.boolean().describe("No task is upstream of it"),
        upstream: z.array(taskName),
        downstream: z.array(taskName),
        triggers: z.array(
          z.discriminatedUnion("source", [
            z.object({ source: z.literal("r2"), ...r2Rule.shape }),
            z.object({ source: z.literal("event"), event: z.string() }),
          ]),
        ),
      }),
    ),
    endpoints: z.array(
      z.object({
        endpoint: z.string(),
        url: z.string(),
        methods: z.array(z.string()).nullable(),
      }),
    ),
  }),
);

/** The graph of the deployment. */
export type Graph = Json<typeof graphSchema>;

/** Problem documents (RFC 9457). */
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { PROBLEM_KINDS } from "./problem-kinds.ts";

/** A refusal in JSON. */
export const problemSchema = named(
  "Problem",
  z
    .object({
      type: z.string().describe("`urn:peach:problem:` and the code"),
      title: z.string(),
      status: z.int(),
      code: z.enum(Object.keys(PROBLEM_KINDS)),
      detail: z.string().describe("What is wrong, and which value"),
      hint: z.string().describe("What to do"),
      request_id: z.string().describe("Under which the worker's log tells more"),
      errors: z
        .array(z.object({ path: z.string(), message: z.string() }))
        .optional()
        .describe("Each wrong place of an input"),
    })
    .describe("RFC 9457"),
);

/** A refusal in JSON. */
export type ProblemDocument = Json<typeof problemSchema>;

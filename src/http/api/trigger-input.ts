/** Headers and problems of all calls that start runs. */
import * as z from "zod";
import { idempotencyKey } from "./parameters.ts";

/** Headers of a trigger. */
export const triggerHeaders = {
  "Idempotency-Key": idempotencyKey.optional(),
  Traceparent: z
    .string()
    .optional()
    .describe("The W3C trace that the run belongs to; one that cannot be read is ignored"),
} as const;

/** Problems of a trigger's payload and key. */
export const triggerProblems = [
  "invalid_json",
  "invalid_payload",
  "payload_too_large",
  "unsupported_encoding",
  "trigger_depth",
  "idempotency_mismatch",
] as const;

/** Largest payload in bytes: the largest object of R2. The platform's limit of a body is lower. */
export const MAX_PAYLOAD_BYTES = 5 * 1024 ** 4;

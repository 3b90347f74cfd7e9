/** The places where a value does not fit a schema, as refusals name them. */
import type { z } from "zod";
import { type JsonStep, jsonPath } from "./json-path.ts";

export interface WrongPlace {
  /** JSON path. */
  readonly path: string;
  readonly message: string;
}

/** A refusal names no more: who has that many wrong has them all. */
export const MAX_WRONG_PLACES = 20;

/** The first 20 of them. */
export function wrongPlaces(issues: readonly z.core.$ZodIssue[]): WrongPlace[] {
  return issues.slice(0, MAX_WRONG_PLACES).map(({ path, message }) => ({ path: jsonPath(path.map(toStep)), message }));
}

function toStep(part: PropertyKey): JsonStep {
  return typeof part === "number" ? part : String(part);
}

/** The places where a value does not fit, as refusals name them: few, and none of them long, whatever was sent. */
import type { z } from "zod";
import { type JsonStep, jsonPath } from "./json-path.ts";

export interface WrongPlace {
  /** JSON path. */
  readonly path: string;
  readonly message: string;
}

/** A refusal names no more: who has that many wrong has them all. */
export const MAX_WRONG_PLACES = 20;

/** Characters. Names of properties and what was sent are part of both, and may be megabytes. */
const MAX_PATH = 300;
const MAX_MESSAGE = 500;

/** The first 20 of them. */
export function wrongPlaces(issues: readonly z.core.$ZodIssue[]): WrongPlace[] {
  return issues
    .slice(0, MAX_WRONG_PLACES)
    .map(({ path, message }) => boundedPlace({ path: jsonPath(path.map(toStep)), message }));
}

/** The same place, what is too long cut off. */
export function boundedPlace({ path, message }: WrongPlace): WrongPlace {
  return { path: shortened(path, MAX_PATH), message: shortened(message, MAX_MESSAGE) };
}

/** The text, or its beginning with an ellipsis, at most so many characters. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** The places as a sentence has them; no more than a few, the others stand in the problem's `errors`. */
export function listedPlaces(places: readonly WrongPlace[]): string {
  const listed = places
    .slice(0, LISTED_PLACES)
    .map(({ path, message }) => `${path}: ${message}`)
    .join("; ");
  return places.length > LISTED_PLACES
    ? `${listed}; and ${places.length - LISTED_PLACES} more`
    : listed;
}

const LISTED_PLACES = 5;

export function toStep(part: PropertyKey): JsonStep {
  return typeof part === "number" ? part : String(part);
}

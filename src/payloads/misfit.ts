/** Wrong places of a value, as refusals name them: few and short, whatever was sent. */
import { type JsonStep, jsonPath } from "./json-path.ts";

/** A wrong place of a value, as a schema reports it. */
export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export interface WrongPlace {
  /** JSON path. */
  readonly path: string;
  readonly message: string;
}

/** Limit of places in a refusal: with that many, usually all are wrong. */
export const MAX_WRONG_PLACES = 20;

/**
 * Limits in characters. Property names and sent values are part of both texts, and may be
 * megabytes.
 */
const MAX_PATH = 300;
const MAX_MESSAGE = 500;

/** Returns the first 20 wrong places. */
export function wrongPlaces(issues: readonly Issue[]): WrongPlace[] {
  return issues
    .slice(0, MAX_WRONG_PLACES)
    .map(({ path, message }) => boundedPlace({ path: jsonPath(path.map(toStep)), message }));
}

/** Shortens path and message of a place. */
export function boundedPlace({ path, message }: WrongPlace): WrongPlace {
  return { path: shortened(path, MAX_PATH), message: shortened(message, MAX_MESSAGE) };
}

/** Shortens a text to at most this many characters, with an ellipsis. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** Lists a few places for a sentence; all places are in the problem's `errors`. */
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

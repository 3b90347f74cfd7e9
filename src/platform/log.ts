/**
 * Writes the log lines of the worker: one JSON object per line, with the same field names in every
 * line, so that a search by `run_id` finds all lines about a run. Never logs payloads or secrets.
 */

/** Urgency. `error`: a person should look. `warn`: retried, or of no lasting effect. */
export type LogLevel = "info" | "warn" | "error";

/** Fields of a line besides `message`. A subject without a name here has a field of its own. */
export interface LogFields {
  /** Id of the run, or several ids with a comma. */
  readonly run_id?: string | null | undefined;
  readonly task?: string;
  readonly endpoint?: string | undefined;
  readonly queue?: string;
  /** Name of the Durable Object that writes the line. */
  readonly object?: string | undefined;
  /** A thrown value, written as text. */
  readonly error?: unknown;
  /** Use `run_id`. */
  readonly run?: never;
  readonly [field: string]: unknown;
}

/** Writes a line. Workers Logs parses the JSON, and takes the level from the console's method. */
export function log(level: LogLevel, message: string, fields: LogFields = {}): void {
  const text = "error" in fields ? { error: textOfThrown(fields.error) } : {};
  const line = JSON.stringify({ message, ...fields, ...text });
  console[level](line);
}

/**
 * Writes a value as text. Never throws, unlike `String`, which throws for an object without a
 * prototype and for an array that is nested too deep.
 */
export function textOf(value: unknown, otherwise = "a value that has no text"): string {
  try {
    return String(value);
  } catch {
    return otherwise;
  }
}

/** Writes a thrown value as text. Never throws. */
export function textOfThrown(thrown: unknown): string {
  return textOf(thrown, "a thrown value that has no text");
}

/**
 * Writes a thrown value as text, and an error with the stack. Never throws, also for an author's
 * error whose properties throw.
 */
export function traceOfThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error && thrown.stack ? thrown.stack : textOfThrown(thrown);
  } catch {
    return textOfThrown(thrown);
  }
}

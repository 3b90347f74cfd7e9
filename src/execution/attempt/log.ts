/**
 * The log of one attempt: bounded, kept in memory and stored when the attempt settles. Each line is
 * also written to the worker's own log at once.
 */
import type { LogLine } from "../../objects/run/settlement-rpc.ts";
import type { TaskLog } from "../author/api.ts";
import { log, textOf, textOfThrown, type LogFields } from "../../platform/log.ts";

const MAX_LINES = 1_000;
const MAX_BYTES = 65_536;
const MAX_MESSAGE = 8_192;

export class AttemptLog implements TaskLog {
  readonly #subject: LogFields;
  readonly #lines: LogLine[] = [];
  #bytes = 0;
  #dropped = 0;
  #onLine: (() => void) | null = null;

  /** `subject` names the attempt or endpoint in every line of the worker's own log. */
  constructor(subject: LogFields) {
    this.#subject = subject;
  }

  /** Calls `onLine` after each further line. */
  whenWritten(onLine: () => void): void {
    this.#onLine = onLine;
  }

  /** The first lines: at most 1,000, and 64 KiB. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** The number of lines that did not fit. */
  get dropped(): number {
    return this.#dropped;
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("error", message, fields);
  }

  #write(
    level: LogLine["level"],
    message: string,
    fields: Readonly<Record<string, unknown>> | undefined,
  ): void {
    const line = {
      at: Date.now(),
      level,
      message: textOf(message).slice(0, MAX_MESSAGE),
      fields: plain(fields),
    };
    const text = JSON.stringify(line);
    log(level, line.message, { ...this.#subject, ...line });
    if (this.#lines.length >= MAX_LINES || this.#bytes + text.length > MAX_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#bytes += text.length;
    this.#lines.push(line);
    this.#onLine?.();
  }
}

/** Copies the fields as JSON. A value that JSON cannot express must not fail the task. */
function plain(fields: Readonly<Record<string, unknown>> | undefined): LogLine["fields"] {
  if (fields === undefined) return null;
  try {
    const seen: unknown = JSON.parse(
      JSON.stringify(fields, (_, value: unknown) =>
        typeof value === "bigint" ? `${value}` : value,
      ),
    );
    return typeof seen === "object" && seen !== null ? { ...seen } : null;
  } catch (error) {
    return { unprintable: textOfThrown(error) };
  }
}

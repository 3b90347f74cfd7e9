/** Renders the log lines of tasks. */
import { printable } from "../compiler/printable.ts";

/** A line of a log. */
export interface LogLine {
  readonly at: string;
  readonly task?: string;
  readonly item?: number;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

/** Renders a log line: `12:00:01 recommend[3] info  recommended {"programmes":5}` */
export function logText(line: LogLine): string {
  const item = line.item === undefined ? "" : `[${line.item}]`;
  const task = line.task === undefined ? "" : `${line.task}${item} `;
  const fields = line.fields === null ? "" : ` ${printable(JSON.stringify(line.fields))}`;
  return `${line.at.slice(11, 23)} ${task}${line.level.padEnd(5)} ${printable(line.message)}${fields}`;
}

/** Makes an equal text from two answers about the same line. */
export function sameLine({ at, task, item, level, message, fields }: LogLine): string {
  return JSON.stringify([at, task, item, level, message, fields]);
}

/** Reads the parts of a failed run that explain the failure: the input, and the end of the log. */
import { printable } from "../compiler/printable.ts";
import { PeachError, type RunDocument } from "../client/client.ts";
import type { ReceivedPayload } from "../client/payload.ts";
import type { AnyClient } from "./deployment.ts";
import { logText, type LogLine } from "./log-line.ts";
import { sizeText } from "./table.ts";

/** The shown length of an input, in characters. */
const SHOWN = 200;
/** The number of bytes to read of an input: a payload may be larger than the memory. */
const READ_BYTES = 4 * SHOWN;
/** The number of failed tasks whose log is shown, and of lines of each. */
const LOGGED_TASKS = 3;
const LOGGED_LINES = 5;
/** An attempt keeps 1,000 lines. */
const MOST_LINES = 1_000;

/** Renders the payload of the trigger on one line; null if the payload was deleted. */
export async function inputText(
  { runs }: AnyClient,
  runId: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const payload = await runs.payload(runId, { signal });
    const { contentType, size } = payload;
    const isText = /^(?:text\/|application\/(?:[\w.-]+\+)?json)/.test(contentType);
    const whole = size === null ? "" : `, ${sizeText(size)}`;
    const head = await headOf(payload);
    if (!isText) return `${contentType}${whole}`;
    const text = printable(new TextDecoder().decode(head));
    return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…${whole}`;
  } catch (error) {
    if (error instanceof PeachError && error.code === "no_payload") return null;
    throw error;
  }
}

/** Reads the first bytes of a payload, and leaves the rest. */
async function headOf(payload: ReceivedPayload): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // The end of the loop cancels the stream.
  for await (const chunk of payload.stream()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= READ_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, READ_BYTES);
}

/** The number of tasks whose earlier lines are read. */
const EARLIER_TASKS = 20;

/** Reads the earlier log lines of all tasks of a run, by time. */
export async function earlierLogs(
  { runs }: AnyClient,
  { run_id: runId, tasks }: RunDocument,
  signal: AbortSignal,
): Promise<LogLine[]> {
  const begun = tasks.filter(({ attempts }) => attempts.length > 0).slice(0, EARLIER_TASKS);
  const found: LogLine[] = [];
  for (const { task } of begun) {
    const { logs } = await runs.logs(runId, task, { limit: MOST_LINES, signal });
    found.push(...logs.map((line) => ({ task, ...line })));
  }
  return found.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Renders the last log lines of the last attempt of each failed task. */
export async function lastLogLines(
  { runs }: AnyClient,
  { run_id: runId, tasks }: RunDocument,
  signal: AbortSignal,
): Promise<string[]> {
  const failed = tasks.filter(({ status }) => status === "failed").slice(0, LOGGED_TASKS);
  const pages = await Promise.all(
    failed.map(async ({ task, attempts }) => {
      const attempt = attempts.at(-1)?.attempt;
      if (attempt === undefined) return [];
      const { logs } = await runs.logs(runId, task, { attempt, limit: MOST_LINES, signal });
      const lines = logs.slice(-LOGGED_LINES).map((line) => `  ${logText(line)}`);
      return lines.length === 0 ? [] : [`last lines of ${task}`, ...lines];
    }),
  );
  const lines = pages.flat();
  return lines.length === 0 ? [] : ["", ...lines];
}

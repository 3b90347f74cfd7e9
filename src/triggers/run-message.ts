/**
 * The message of the queue `peach-runs`: the run has work. Ids only; everything else is read from
 * the run itself.
 */
import * as z from "zod";
import { parseRunId, type RunId } from "../domain/ids.ts";
import { FORMAT_VERSION, isKnownFormat } from "../domain/version.ts";

const RUN_MESSAGE = z.object({ run_id: z.string() });
const VERSIONED = z.object({ v: z.int() });

/**
 * Returns the run of a message, or the reason why the message cannot be understood. `newer`: a
 * message of newer code.
 */
export function parseRunMessage(
  body: unknown,
): { readonly runId: RunId } | { readonly newer: string } | { readonly reason: string } {
  const { data: { v } = { v: 1 } } = VERSIONED.safeParse(body);
  if (!isKnownFormat(v))
    return { newer: `it has format ${v}, this code knows up to ${FORMAT_VERSION}` };
  const message = RUN_MESSAGE.safeParse(body);
  if (!message.success)
    return { reason: `not a run message {"run_id": "run_…"}: ${z.prettifyError(message.error)}` };
  const runId = parseRunId(message.data.run_id);
  if (runId === null)
    return { reason: `\`run_id\` is not the id of a run: ${JSON.stringify(message.data.run_id)}` };
  return { runId };
}

/** The message of the queue `peach-runs`: this run has work. Ids only; everything else is asked of the run itself. */
import { z } from "zod";
import { parseRunId, type RunId } from "../core/ids.ts";

const RUN_MESSAGE = z.object({ run_id: z.string() });

/** The run that a message is about, or the reason why it cannot be understood. */
export function parseRunMessage(body: unknown): { readonly runId: RunId } | { readonly reason: string } {
  const message = RUN_MESSAGE.safeParse(body);
  if (!message.success) return { reason: `not a run message {"run_id": "run_…"}: ${z.prettifyError(message.error)}` };
  const runId = parseRunId(message.data.run_id);
  if (runId === null) return { reason: `\`run_id\` is not the id of a run: ${JSON.stringify(message.data.run_id)}` };
  return { runId };
}

/**
 * The notice of a final run to the waiting runs: status and document, so that no further call is
 * needed.
 */
import { encodePayload } from "../../payloads/codec.ts";
import type { Run } from "../../domain/run/state.ts";
import { describeRun } from "./run-document.ts";
import type { FinalNotice } from "./run-rpc.ts";

/**
 * Limit for a document within a notice, in bytes; a larger document is requested by the reader. A
 * thousand documents may be stored with the waiting run.
 */
const CARRIED_BYTES = 32_768;

/** Creates the notice of a final run. */
export function noticeOf(run: Run): FinalNotice {
  const { id: runId, status } = run;
  const encoded = encodePayload(describeRun(run, () => null, run.finishedAt ?? 0));
  if (!encoded.ok || !(encoded.value.body instanceof Uint8Array))
    return { runId, status, document: null };
  const { body, ...description } = encoded.value;
  const document =
    body.length > CARRIED_BYTES
      ? null
      : ({ ...description, size: body.length, at: "inline", bytes: body } as const);
  return { runId, status, document };
}

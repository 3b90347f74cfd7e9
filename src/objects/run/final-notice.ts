/** What a final run tells those who await it: how it ended, and its document, so that nobody has to ask for it. */
import { encodePayload } from "../../payloads/codec.ts";
import type { Run } from "../../domain/run/state.ts";
import { describeRun } from "./run-document.ts";
import type { FinalNotice } from "./run-rpc.ts";

/** A document above this is asked for by who reads it: a thousand of them lie with the run that awaits. Bytes. */
const CARRIED_BYTES = 32_768;

/** Of a final run. */
export function noticeOf(run: Run): FinalNotice {
  const { id: runId, status } = run;
  const encoded = encodePayload(describeRun(run, () => null));
  if (!encoded.ok || !(encoded.value.body instanceof Uint8Array))
    return { runId, status, document: null };
  const { body, ...description } = encoded.value;
  const document =
    body.length > CARRIED_BYTES
      ? null
      : ({ ...description, size: body.length, at: "inline", bytes: body } as const);
  return { runId, status, document };
}

/** What drivers report of attempts: the same for runs in the workers pool and for those in plain Node. */
import { descriptionOf, type NewPayload } from "../../src/domain/payload.ts";
import type { Lease } from "../../src/objects/run/lease-rpc.ts";
import type { AttemptOutcome, Settlement } from "../../src/objects/run/settlement-rpc.ts";
import { encodePayload } from "../../src/payloads/codec.ts";

/** A value that rides with the run's state; streams and blobs cannot. */
export function inline(value: unknown): NewPayload {
  const encoded = encodePayload(value);
  if (!encoded.ok) throw new Error(encoded.problem.detail);
  const { body } = encoded.value;
  if (body instanceof ReadableStream) throw new Error("a stream is no inline payload");
  return { ...descriptionOf({ ...encoded.value, size: body.length }), at: "inline", bytes: body };
}

/** The attempt of this lease has ended so. */
export function settlement(
  lease: Lease | undefined,
  outcome: AttemptOutcome,
  more: Partial<Settlement> = {},
): Settlement {
  if (lease === undefined) throw new Error("there is no lease");
  const { ordinal, attempt, token } = lease;
  return { ordinal, attempt, token, outcome, children: [], logs: [], logsDropped: 0, ...more };
}

/** The attempt passed this value. */
export function succeeded(lease: Lease | undefined, value: unknown = null): Settlement {
  return settlement(lease, { type: "succeeded", output: inline(value), to: null });
}

/** The attempt threw. */
export function threw(
  lease: Lease,
  how: { readonly retryable?: boolean; readonly retryAfterMs?: number } = {},
): Settlement {
  const { retryable = false, retryAfterMs = null } = how;
  const error = { name: "Error", message: "thrown by the test", stack: null };
  return settlement(lease, { type: "failed", error, retryable, retryAfterMs, reason: "error" });
}

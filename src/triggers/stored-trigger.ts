/** Stores the payloads of a trigger: its own, and for a replay the copies of recorded ones. */
import type { RunGraph } from "../domain/plan/run-graph.ts";
import type { PayloadLimitKeys } from "../domain/limits/limit.ts";
import type { NewPayload } from "../domain/payload.ts";
import { ok, type Result } from "../domain/problem.ts";
import type { PayloadDigest, TriggerKey } from "../domain/trigger-key.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import type { AcceptRequest } from "../objects/run/accept-rpc.ts";
import type { Replayed, TriggerRequest } from "./accept.ts";
import { isCompared, limitKeysFor, type CheckedTrigger } from "./checked-trigger.ts";
import type { TriggerPayloads } from "./trigger-payload.ts";

/** A checked trigger; for a replay, with its recorded part. */
export interface KeyedTrigger extends CheckedTrigger, Pick<TriggerRequest, "replayed"> {}

/** The stored part of an accept request. */
export type StoredTrigger = Pick<AcceptRequest, "payload" | "digest" | "recorded" | "limitKeys">;

/**
 * Digest of a replay with recorded payloads: they never change, so computing a digest is
 * unnecessary.
 */
const RECORDED: PayloadDigest = "recorded";

/** Stores the payloads. Refuses like `TriggerPayloads.store`, or if a recorded payload is gone. */
export async function storeTrigger(
  payloads: TriggerPayloads,
  { payload, idempotencyKey: key, graph, replayed }: KeyedTrigger,
): Promise<Result<StoredTrigger>> {
  const copies = await replayed?.copy((one) => payloads.store(one));
  if (copies?.ok === false) return copies;
  const recorded = copies?.value ?? [];
  const [input] = graph.tasks[0]?.shape === "value" ? recorded : [];
  const keys =
    replayed === undefined
      ? await limitKeysFor(graph, payload)
      : await replayedKeys(graph, payload, replayed);
  const carried =
    input === undefined
      ? await carry(payloads, payload, key, replayed)
      : ok(known(input.payload, key));
  if (!carried.ok) return carried;
  return ok({ ...carried.value, ...(recorded.length > 0 && { recorded }), ...keys });
}

type Carried = Pick<StoredTrigger, "payload" | "digest">;

/**
 * Stores the trigger's payload. Also returns its digest if the key must not be reused with another
 * payload.
 */
async function carry(
  payloads: TriggerPayloads,
  payload: EncodedPayload,
  key: TriggerKey | null,
  replayed: Replayed | undefined,
): Promise<Result<Carried>> {
  const isGiven = replayed === undefined || replayed.limitKeys === "of the payload";
  if (isCompared(key) && isGiven) {
    const digested = await payloads.storeDigested(payload);
    if (!digested.ok) return digested;
    const { newPayload, digest } = digested.value;
    return ok({ payload: newPayload, digest });
  }
  const newPayload = await payloads.store(payload);
  return newPayload.ok ? ok(known(newPayload.value, key)) : newPayload;
}

/** A payload without a computed digest: its key determines the payload. */
function known(payload: NewPayload, key: TriggerKey | null): Carried {
  return { payload, ...(isCompared(key) && { digest: RECORDED }) };
}

async function replayedKeys(
  graph: RunGraph,
  payload: EncodedPayload,
  { limitKeys }: Replayed,
): Promise<{ readonly limitKeys?: PayloadLimitKeys }> {
  if (limitKeys === "of the payload") return limitKeysFor(graph, payload);
  return limitKeys === null ? {} : { limitKeys };
}

/**
 * Idempotency keys of triggers, made in this file only. Pure: the caller supplies digests. Kind and
 * task are hashed into the run id with the key (`triggerKeyInput`), so keys of two kinds never
 * collide. A caller of the API cannot address the run of a due time, an object version or a task's
 * own trigger.
 */
import type { RunId } from "./ids.ts";

/**
 * Origin of a key.
 * - `api`: a caller of the API, for a trigger. `endpoint`, `task`: their author, for a trigger
 *   inside.
 * - `event`: the emitter of an event, for all listening tasks. `replay`: the caller of a replay.
 * - `child`: Peach, for a trigger of a task without a key. `delivery`: Peach, for a trigger of an
 *   endpoint in a signed request.
 * - `schedule`, `object`, `alert`: Peach, for a due time, an object version, a failed run.
 */
export type KeyKind =
  | "api"
  | "endpoint"
  | "task"
  | "event"
  | "replay"
  | "child"
  | "delivery"
  | "schedule"
  | "object"
  | "alert";

export interface TriggerKey {
  readonly kind: KeyKind;
  readonly name: string;
  /** Key as sent by a caller of the API, for use in problem texts. */
  readonly sent?: string;
}

/** Digest of a stored payload (see payloads/payload-digest.ts). */
export type PayloadDigest = string;

/**
 * Kinds of keys with payload comparison: a repeated key with another payload is refused. A caller
 * or author chose these keys. Any other kind identifies an event, and the payload only describes
 * the event: a listing dates an object version differently from its notification, and a repeated
 * signed request may put the present time into each payload.
 */
export const COMPARES_PAYLOAD: Readonly<Record<KeyKind, boolean>> = {
  api: true,
  endpoint: true,
  task: true,
  event: true,
  replay: true,
  child: true,
  delivery: false,
  schedule: false,
  object: false,
  alert: false,
};

/** Hash input of a run id with a key. The text is unique for each kind, task and name. */
export function triggerKeyInput(task: string, { kind, name }: TriggerKey): string {
  return `${kind}:${task.length}:${task}:${name}`;
}

/**
 * `Idempotency-Key` of an API call. The key is scoped to its caller (see `domain/actor.ts`), so no
 * caller can find or reserve the key of another.
 */
export function apiKey(caller: string, key: string): TriggerKey {
  return { kind: "api", name: JSON.stringify([caller, key]), sent: key };
}

/** Key given by the author of an endpoint. */
export function endpointKey(key: string): TriggerKey {
  return { kind: "endpoint", name: key };
}

/** Key given by the author of a task. */
export function taskKey(key: string): TriggerKey {
  return { kind: "task", name: key };
}

/**
 * Key given by the emitter of an event: one run per listening task, however often the event is
 * emitted.
 */
export function eventKey(event: string, key: string): TriggerKey {
  return { kind: "event", name: `${event}:${key}` };
}

/**
 * Key of an event from the API, scoped to its caller. Event names never begin with a bracket, so
 * the two forms never collide.
 */
export function apiEventKey(caller: string, event: string, key: string): TriggerKey {
  return { kind: "event", name: JSON.stringify([caller, event, key]), sent: key };
}

/** Key of a replay, scoped to the replayed run and the caller. */
export function replayKey(caller: string, runId: RunId, key: string): TriggerKey {
  return { kind: "replay", name: JSON.stringify([caller, runId, key]), sent: key };
}

/**
 * Key of a trigger inside a task or an item: the target, the payload digest, and the count of equal
 * triggers by this attempt. A later attempt finds each run again in any order of triggers and never
 * takes another run. Triggers inside a step are counted separately: a later attempt skips the step,
 * and its other triggers must not match the step's runs.
 */
export function childTriggerKey(
  parent: {
    readonly runId: RunId;
    readonly task: string;
    readonly item: number | null;
    readonly step: string | null;
  },
  target: string,
  digest: PayloadDigest,
  nth: number,
): TriggerKey {
  const { runId, task, item, step } = parent;
  return { kind: "child", name: JSON.stringify([runId, task, item, step, target, digest, nth]) };
}

/**
 * Key of a trigger inside an endpoint for a named delivery. A repeated delivery makes equal
 * triggers and finds the same runs. Triggers of a fallback are separate from triggers of the
 * method.
 */
export function deliveryTriggerKey(
  delivery: { readonly endpoint: string; readonly id: string; readonly isFallback: boolean },
  target: string,
  nth: number,
): TriggerKey {
  const { endpoint, id, isFallback } = delivery;
  return {
    kind: "delivery",
    name: JSON.stringify([endpoint, id, isFallback ? "fallback" : "method", target, nth]),
  };
}

/**
 * Key of an object version. A notification has no version id; etag and event time identify the
 * version, or the `identity` of an earlier listing (see `object-version.ts`).
 */
export function objectVersionKey(event: {
  readonly bucket: string;
  readonly key: string;
  readonly action: string;
  readonly etag: string;
  readonly identity: string;
}): TriggerKey {
  const { bucket, key, action, etag, identity } = event;
  return { kind: "object", name: JSON.stringify([bucket, key, action, etag, identity]) };
}

/**
 * Key of a scheduled run: one per task and due time, however often the due time is found. Schedules
 * of a task with different payloads are separate.
 */
export function scheduledRunKey(dueAtIso: string, payload: string | null): TriggerKey {
  return { kind: "schedule", name: `${dueAtIso}${payload === null ? "" : `:${payload}`}` };
}

/**
 * Key of the run for a failure alert. A run id may be reused after retention, so the key includes
 * the creation time.
 */
export function alertKey(runId: RunId, createdAtIso: string, nth: number): TriggerKey {
  return { kind: "alert", name: JSON.stringify([runId, createdAtIso, nth]) };
}

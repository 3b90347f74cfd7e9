/**
 * The idempotency keys of triggers, and the only place where they are made. Pure: digests come from outside.
 *
 * A key belongs to its kind and to its task: both are hashed into the run's id (`triggerKeyInput`), so that keys of two kinds
 * never meet. A caller of the API cannot name the run of a due time, of an object version or of a task's own trigger.
 */
import type { RunId } from "./ids.ts";

/**
 * Who chose the key:
 * - `api`: a caller of the API, for a trigger. `endpoint`, `task`: the author of one, for a trigger made in it.
 * - `event`: whoever emits an event, for all tasks that listen to it. `replay`: who replays a run.
 * - `child`: Peach, for a trigger that a task makes without a key. `delivery`: Peach, for one made by an endpoint for a signed request.
 * - `schedule`, `object`, `alert`: Peach, for a due time, an object version, a run that failed.
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
  /** Of a caller of the API: the key as they sent it, for the problem that tells them of it. */
  readonly sent?: string;
}

/** A digest of a payload as it is kept (see payloads/payload-digest.ts). */
export type PayloadDigest = string;

/**
 * Whether a key that comes again with another payload is refused. It is, where a caller or an author chose the key. The other kinds
 * name what happened, and the payload only describes it: a listing dates an object version otherwise than its notification does, a
 * signed request that is sent again may be answered with the present time in each payload.
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

/** What is hashed into the id of a run whose trigger has a key: no kind, task and name give the text of others. */
export function triggerKeyInput(task: string, { kind, name }: TriggerKey): string {
  return `${kind}:${task.length}:${task}:${name}`;
}

/**
 * The `Idempotency-Key` of a call of the API. It belongs to its caller (see `domain/actor.ts`): what one caller sends never names the run
 * of another, so nobody can find, or take beforehand, the key of somebody else.
 */
export function apiKey(caller: string, key: string): TriggerKey {
  return { kind: "api", name: JSON.stringify([caller, key]), sent: key };
}

/** A key that an endpoint's author gives. */
export function endpointKey(key: string): TriggerKey {
  return { kind: "endpoint", name: key };
}

/** A key that a task's author gives. */
export function taskKey(key: string): TriggerKey {
  return { kind: "task", name: key };
}

/** The key of an event that its emitter names: one run of each listening task, however often it is emitted. */
export function eventKey(event: string, key: string): TriggerKey {
  return { kind: "event", name: `${event}:${key}` };
}

/** The same, of an event that comes in by the API: it belongs to its caller, and no name of an event begins with a bracket. */
export function apiEventKey(caller: string, event: string, key: string): TriggerKey {
  return { kind: "event", name: JSON.stringify([caller, event, key]), sent: key };
}

/** The key of a replay: it belongs to the run that is replayed, and to who replays it. */
export function replayKey(caller: string, runId: RunId, key: string): TriggerKey {
  return { kind: "replay", name: JSON.stringify([caller, runId, key]), sent: key };
}

/**
 * The key of a trigger made inside a task, or inside its item of this index: by what is triggered, and how often this attempt has
 * triggered just that before. So a later attempt finds the run again in whatever order it triggers, and never takes it for another.
 * Triggers of a step are counted apart: a later attempt leaves the step out, and must not take another trigger for one of its.
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
 * The key of a trigger made by an endpoint for a delivery that its sender names: sent again, it makes the same ones, so it finds
 * the runs again. What a fallback triggers is apart from what the method does.
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
 * The key of one object version. A notification has no version id: etag and time of the event stand for it, or what `identity` the
 * version was given when a listing met it first (see `object-version.ts`).
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
 * The key of a scheduled run: one for each task and due time, however often it is due or found due again. Schedules of one task
 * that carry payloads of their own are apart.
 */
export function scheduledRunKey(dueAtIso: string, payload: string | null): TriggerKey {
  return { kind: "schedule", name: `${dueAtIso}${payload === null ? "" : `:${payload}`}` };
}

/** The key of the run that is told of a failure. An id may be used again once its run is forgotten, so the time is part of it. */
export function alertKey(runId: RunId, createdAtIso: string, nth: number): TriggerKey {
  return { kind: "alert", name: JSON.stringify([runId, createdAtIso, nth]) };
}

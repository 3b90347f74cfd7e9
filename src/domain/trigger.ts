import type { Actor } from "./actor.ts";
import type { RunId } from "./ids.ts";

export const TRIGGER_SOURCES = [
  "api",
  "lab",
  "endpoint",
  "task",
  "schedule",
  "r2",
  "event",
  "replay",
] as const;

/** Way of a trigger into Peach. */
export type TriggerSource = (typeof TRIGGER_SOURCES)[number];

/** The run and task behind a trigger. */
export interface ParentTask {
  readonly runId: RunId;
  readonly task: string;
  /**
   * Set if an attempt made the trigger with a helper, so the run is among the parent's `children`.
   * Absent for an alert or an object upload.
   */
  readonly isChild?: true;
}

/** Attributes of a CloudEvent. `time` is in RFC 3339. */
export interface EventAttributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly time: string | null;
}

/** Reason of a run's existence. */
export interface TriggerOrigin {
  readonly source: TriggerSource;
  /** Name of the token, endpoint or task, or `bucket/key` of the object. */
  readonly by: string;
  /**
   * Authenticated sender of the HTTP request; absent for any other source and for anonymous
   * requests.
   */
  readonly actor?: Actor;
  readonly parent: ParentTask | null;
  /**
   * For source `replay`: the replayed run, and the first task (null: the whole run). Absent for a
   * replayed delivery.
   */
  readonly replayOf?: { readonly runId: RunId; readonly from: string | null };
  /** Public url of the deployment; absent if unknown, or without external tasks. */
  readonly url?: string;
  /** Length of the chain of triggering runs before this run; absent at the start of a chain. */
  readonly depth?: number;
  /** CloudEvent of this run, or of the replayed run. */
  readonly event?: EventAttributes;
  /** Tags of the run, each once; absent without one. */
  readonly tags?: readonly string[];
  /** W3C traceparent of the run. */
  readonly traceparent?: string;
}

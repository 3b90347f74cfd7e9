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

/** Which way a trigger came in. */
export type TriggerSource = (typeof TRIGGER_SOURCES)[number];

/** The run and task that triggered a run, if a task did. */
export interface ParentTask {
  readonly runId: RunId;
  readonly task: string;
  /** An attempt triggered it by a helper, so the run is among the parent's `children`; absent: an alert, or the upload of an object did. */
  readonly isChild?: true;
}

/** What a CloudEvent says of itself. `time` is in RFC 3339. */
export interface EventAttributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly time: string | null;
}

/** Why a run exists. */
export interface TriggerOrigin {
  readonly source: TriggerSource;
  /** Who: the token's name, the endpoint, the task, `bucket/key` of the object. */
  readonly by: string;
  /** Who asked for it over HTTP; absent: it came from elsewhere, or from somebody who need not say who they are. */
  readonly actor?: Actor;
  readonly parent: ParentTask | null;
  /** Of source `replay`: which run is replayed, from which task on (null: as a whole). A delivery that is replayed has none. */
  readonly replayOf?: { readonly runId: RunId; readonly from: string | null };
  /** Where the deployment was reached; absent: nobody knows, or nobody needs it, since no task is external. */
  readonly url?: string;
  /** How many runs led to this one, each triggering the next; absent: none. */
  readonly depth?: number;
  /** The CloudEvent that started it, or the run that it replays; absent: none. */
  readonly event?: EventAttributes;
  /** The trace that it belongs to, as W3C writes it; absent: none. */
  readonly traceparent?: string;
}

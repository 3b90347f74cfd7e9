/**
 * The request and the answer of accepting a trigger, and the dependencies of the acceptor (see
 * trigger-acceptor.ts).
 */
import { nearest } from "../domain/nearest.ts";
import type { GraphTask } from "../domain/plan/run-graph.ts";
import type { DeliveryRun } from "../domain/delivery.ts";
import type { RunId } from "../domain/ids.ts";
import type { NewPayload } from "../domain/payload.ts";
import type { Plan } from "../domain/plan/plan.ts";
import type { Problem, Result } from "../domain/problem.ts";
import type { RunStatus } from "../domain/statuses.ts";
import type { TriggerOrigin } from "../domain/trigger.ts";
import type { TriggerKey } from "../domain/trigger-key.ts";
import type { PayloadLimitKeys } from "../domain/limits/limit.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import type { callRun } from "../objects/run/run-client.ts";
import type { AcceptRequest } from "../objects/run/accept-rpc.ts";
import type { ClaimRequest, Grant } from "../objects/run/lease-rpc.ts";
import type { Place } from "./driver-room.ts";
import type { AsAuthor, InputSchemas } from "./check-input.ts";
import type { DerivedKey } from "./derived-key.ts";

/** A trigger to accept. */
export interface TriggerRequest {
  readonly task: string;
  readonly payload: EncodedPayload;
  /** Null: a fresh run each time. */
  readonly idempotencyKey: TriggerKey | DerivedKey | null;
  readonly origin: TriggerOrigin;
  /** Delay before the root task may start, at most 30 days; absent: none. Milliseconds. */
  readonly delayMs?: number;
  /** Tags besides those of peach.conf; absent: none. */
  readonly tags?: readonly string[];
  /**
   * True if the trigger belongs to work that passed the gate before; absent: the trigger has to
   * pass.
   */
  readonly hasPassed?: boolean;
  /**
   * For a replay: the shape of the root's input, and the recorded payloads to copy. A replay counts
   * for no `debounce` window.
   */
  readonly replayed?: Replayed;
}

/** The replayed part of a trigger (see replay.ts). */
export interface Replayed extends Pick<GraphTask, "shape" | "parents"> {
  /**
   * Limit keys of the root, from the recorded trigger; null without limits, or if the root reads
   * from other tasks.
   */
  readonly limitKeys: PayloadLimitKeys | "of the payload" | null;
  /**
   * Copies the recorded payloads with `store`. For a root of shape `value`, its input comes first.
   */
  readonly copy: (
    store: (payload: EncodedPayload) => Promise<Result<NewPayload>>,
  ) => Promise<Result<NonNullable<AcceptRequest["recorded"]>>>;
}

/** The run of an accepted trigger. `deduplicated`: the run existed before. */
export interface AcceptedTrigger extends DeliveryRun {
  readonly status: RunStatus;
}

/** Admission of new triggers (see gate.ts). */
export interface Gate {
  /**
   * Resolves once the trigger is admitted, later if older work waits or the isolate is busy. The
   * result is a place for a driver in this invocation, which the caller releases, or null if the
   * queue drives the run. Refuses with `overloaded`. `begins`: the run may begin now if a place is
   * free.
   */
  admit(env: Env, lifetime: Lifetime, begins: boolean): Promise<Result<Place | null>>;
}

/**
 * Accepts a trigger. Refuses with `unknown_task`, `trigger_depth`, `invalid_payload`,
 * `idempotency_mismatch`, `overloaded`, or with the fault found in its stream
 * (`payload_too_large`); then nothing was started. Rejects with the error of the stream itself.
 */
export type AcceptTrigger = (
  env: Env,
  lifetime: Lifetime,
  trigger: TriggerRequest,
) => Promise<Result<AcceptedTrigger>>;

/** Dependencies of the acceptor of one deployment. */
export interface AcceptDependencies {
  readonly plan: Plan;
  readonly registry: InputSchemas;
  readonly callRun: typeof callRun;
  /** Admission of new triggers. */
  readonly gate: Gate;
  /** The claim for a run that the accepting invocation drives itself. */
  readonly directClaim: ClaimRequest;
  /** Drives granted leases; the promise is passed to `waitUntil`. */
  readonly driveGrant: (env: Env, runId: RunId, grant: Grant) => Promise<void>;
  /** Runs the code of schemas; absent where authors' code cannot import `env`. */
  readonly asAuthor?: AsAuthor;
}

/** The refusal of a task that is not in peach.conf. */
export function unknownTask(tasks: Iterable<string>, task: string): Problem {
  const meant = nearest(task, tasks);
  return {
    code: "unknown_task",
    detail: `There is no task "${task}".`,
    hint: meant === null ? "The tasks are those of peach.conf." : `Did you mean "${meant}"?`,
  };
}

/** The refusal of a task that a run does not have. */
export function unknownTaskOf(runId: string, tasks: readonly string[], task: string): Problem {
  const meant = nearest(task, tasks);
  return {
    code: "unknown_task",
    detail: `The run ${runId} has no task "${task}".`,
    hint: meant === null ? `Its tasks are ${tasks.join(", ")}.` : `Did you mean "${meant}"?`,
  };
}

import type { RunId } from "../core/ids.ts";
import type { Result } from "../core/result.ts";
import type { RunStatus } from "../core/status.ts";
import type { TriggerOrigin } from "../core/trigger.ts";
import type { EncodedPayload } from "../payload/codec.ts";

export interface TriggerRequest {
  readonly task: string;
  readonly payload: EncodedPayload;
  /** Null: a fresh run each time. */
  readonly idempotencyKey: string | null;
  readonly origin: TriggerOrigin;
}

export interface AcceptedTrigger {
  readonly runId: RunId;
  readonly task: string;
  readonly status: RunStatus;
  readonly deduplicated: boolean;
}

/**
 * CONTRACT (helper C fills in). The one way in: every trigger, whatever its source, becomes a durable run here.
 * `ctx.waitUntil` carries the driver of a `dispatch: direct` task.
 */
export declare function acceptTrigger(env: Env, ctx: { waitUntil(promise: Promise<unknown>): void }, trigger: TriggerRequest): Promise<Result<AcceptedTrigger>>;

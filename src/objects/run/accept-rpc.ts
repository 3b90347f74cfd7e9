/** Requests that create or join a run, and the answers, as sent over RPC. */
import type { RunId } from "../../domain/ids.ts";
import type { OutsideInput } from "../../domain/run/task-inputs.ts";
import type { PayloadLimitKeys } from "../../domain/limits/limit.ts";
import type { NewPayload } from "../../domain/payload.ts";
import type { RunGenesis } from "../../domain/run/state.ts";
import type { RunStatus } from "../../domain/statuses.ts";
import type { Versioned } from "../../domain/version.ts";
import type { ClaimRequest, Grant } from "./lease-rpc.ts";

declare const brand: unique symbol;

/** A trigger to be recorded as a run. */
export interface AcceptRequest
  extends Versioned, Omit<RunGenesis, "id" | "createdAt" | "payload" | "recorded"> {
  readonly runId: RunId;
  readonly payload: NewPayload;
  /** Recorded inputs of a replay, from tasks that are not part of the run. */
  readonly recorded?: readonly (OutsideInput & {
    readonly payload: NewPayload;
    readonly limitKeys?: PayloadLimitKeys;
  })[];
  /**
   * Claim of the accepting invocation as driver, with `dispatch: direct`: the first lease comes in
   * the answer.
   */
  readonly claim?: ClaimRequest;
  /** Delay of the root task, in milliseconds; absent: none. */
  readonly delayMs?: number;
  /**
   * Longest wait from the first trigger on, of a debounced task, in milliseconds; absent: no limit.
   */
  readonly maxWaitMs?: number;
}

/**
 * Fields by which the run of a debounced task recognizes a repeated trigger. `origin` is absent in
 * a mere question.
 */
export type JoiningTrigger = Pick<AcceptRequest, "nonce" | "key" | "digest"> &
  Partial<Pick<AcceptRequest, "origin">>;

/**
 * A trigger that restarts the delay of a debounced run; a repeated trigger changes nothing.
 * `mustBeThere`: creates no run.
 */
export type PostponingTrigger = AcceptRequest & {
  readonly delayMs: number;
  readonly mustBeThere?: true;
};

/**
 * - `recorded`: this call, or an earlier try, created the run.
 * - `joined`: the run existed, and took the payload of this call or an earlier try (a debounced
 *   task).
 * - `deduplicated`: the run existed already; nothing changed.
 * - `mismatch`: the run existed already, with another payload; nothing changed.
 */
export type AcceptOutcome = "recorded" | "joined" | "deduplicated" | "mismatch";

/** Answer to a trigger: the run's status, what happened, and the first leases. */
export interface AcceptAnswer {
  readonly status: RunStatus;
  readonly outcome: AcceptOutcome;
  readonly grant: Grant;
}

/** An `AcceptAnswer` on the wire (see `grant-text-rpc.ts`). */
export type AcceptText = string & { readonly [brand]: "AcceptAnswer" };

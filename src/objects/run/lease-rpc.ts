/** Claims of drivers, and the leases that the run object grants, as sent over RPC. */
import type { GraphTask } from "../../domain/plan/run-graph.ts";
import type { RunId } from "../../domain/ids.ts";
import type { LimitedChild } from "../../domain/limits/limited-children.ts";
import type { LeasePayload, NewPayload } from "../../domain/payload.ts";
import type { DriverClaim, GrantedLease } from "../../domain/run/machine-events.ts";
import type { FinalRun } from "../../domain/run/task-state.ts";
import type { EventAttributes } from "../../domain/trigger.ts";
import type { Versioned } from "../../domain/version.ts";

declare const brand: unique symbol;

/** A `Grant` on the wire (see `grant-text-rpc.ts`). */
export type GrantText = string & { readonly [brand]: "Grant" };

/** A driver's request for work. */
export interface ClaimRequest extends Versioned, DriverClaim {
  /**
   * Send time of the message that started the driver, epoch milliseconds; absent: no message did.
   */
  readonly sentAt?: number;
}

/** The right to run one attempt, with all inputs. */
export interface Lease
  extends GrantedLease, Pick<GraphTask, "method" | "module" | "timeoutMs" | "shape" | "parents"> {
  readonly runId: RunId;
  readonly task: string;
  readonly inlineLimitBytes: number;
  /** Number of runs in the chain that led here (see `TriggerOrigin`). */
  readonly depth: number;
  /** Address of the deployment at the trigger; absent: unknown, or no task is external. */
  readonly url?: string;
  /** Parts of the completion URL of an external task. */
  readonly completion?: { readonly key: string; readonly expiresAt: number };
  /**
   * Inputs: exactly one for `trigger` and `value`; for `keyed`, one by name for each parent with an
   * output.
   */
  readonly inputs: readonly { readonly parent: string; readonly payload: LeasePayload }[];
  /** Trace of the run; absent: none. */
  readonly traceparent?: string;
  /** CloudEvent that started the run; absent: none. */
  readonly event?: EventAttributes;
  /** Names of the children in this run, for `passToChildTask({to})`. */
  readonly children: readonly string[];
  /** Results of the steps of earlier attempts; absent: none has finished. */
  readonly steps?: readonly { readonly name: string; readonly payload: LeasePayload }[];
  /**
   * End times of the waits of earlier attempts by call of `result()`, epoch milliseconds; absent:
   * no attempt was suspended.
   */
  readonly waits?: Readonly<Record<string, number>>;
  /**
   * Final runs among the runs that earlier attempts awaited, with the `RunDocument` if attached;
   * absent: none.
   */
  readonly arrived?: readonly {
    readonly runId: RunId;
    readonly status: FinalRun["status"];
    readonly document: LeasePayload | null;
  }[];
  /**
   * Children whose limits read a key of the output, and where (`each`: in each item); absent: none.
   */
  readonly limited?: readonly LimitedChild[];
  readonly item?: LeasedItem;
  /** Set for the attempt of an `each` task itself, which collects the outputs of the items. */
  readonly collects?: true;
}

/** The item of an `each` task that an attempt runs. */
export interface LeasedItem {
  readonly index: number;
  readonly total: number;
  /** Ordinal of the task. */
  readonly of: number;
  /** True if the lease's input is the whole array; otherwise the input is the item itself. */
  readonly isElement: boolean;
}

/** A step that the attempt of this lease has finished. */
export interface FinishedStep extends GrantedLease {
  readonly name: string;
  readonly result: NewPayload;
}

/** Leases granted in one answer. */
export interface Grant {
  readonly leases: readonly Lease[];
}

/**
 * What an executor object does with its order, apart from the platform. Storage, alarm, run and task code come from outside, so
 * that the object and the simulation run the same code.
 *
 * Life: `start` notes the order and sets the alarm → the alarm claims the task → executes → settles → deletes everything.
 * If the object dies while it executes, the platform calls the alarm again; the noted lease tells that an attempt was under way,
 * and it is reported lost at once rather than when its lease runs out; the run then starts a new attempt in a new object.
 * Leases decide, not the alarm's retries: a second object for the same task finds nothing to claim.
 */
import type { RunId } from "../core/ids.ts";
import type { Lease, Settlement } from "../run/run-rpc.ts";

const ALARM_PAUSE_MS = 2_000;

export interface ExecutorOrder {
  readonly runId: RunId;
  readonly ordinal: number;
  /** Once claimed: which attempt runs here. */
  readonly lease: { readonly attempt: number; readonly token: number } | null;
}

export interface ExecutorSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  order(): ExecutorOrder | null;
  note(order: ExecutorOrder): void;
  /** Resolves once what was noted is durable. */
  sync(): Promise<void>;
  /** Deletes the order and the alarm. */
  deleteAll(): Promise<void>;
  setAlarm(at: number): Promise<void>;
  /** Claims the task of this order from its run. */
  begin(order: ExecutorOrder): Promise<Lease | null>;
  /** Resolves always. */
  execute(lease: Lease): Promise<Settlement>;
  settle(order: ExecutorOrder, settlement: Settlement): Promise<void>;
  /** The run could not be reached; it is tried again. */
  alarmFailed(order: ExecutorOrder, error: unknown): void;
}

export class ExecutorProtocol {
  readonly #around: ExecutorSurroundings;
  /** What an attempt that has ended came to, while its run cannot be told: up to 14 minutes of work are worth keeping. */
  #unsettled: Settlement | null = null;

  constructor(around: ExecutorSurroundings) {
    this.#around = around;
  }

  async start(runId: RunId, ordinal: number): Promise<void> {
    if (this.#around.order() !== null) return;
    this.#around.note({ runId, ordinal, lease: null });
    await this.#around.setAlarm(this.#around.now() + 1);
  }

  /** Never rejects: surroundings that fail are tried again by an alarm of our own, as often as it takes. */
  async alarm(): Promise<void> {
    const order = this.#around.order();
    if (order === null) return;
    try {
      await this.#carryOut(order);
      await this.#around.deleteAll();
    } catch (error) {
      this.#around.alarmFailed(order, error);
      await this.#around.setAlarm(this.#around.now() + ALARM_PAUSE_MS);
    }
  }

  async #carryOut(order: ExecutorOrder): Promise<void> {
    if (order.lease !== null) {
      await this.#around.settle(order, this.#unsettled ?? lost(order.ordinal, order.lease));
      return;
    }
    const lease = await this.#around.begin(order);
    if (lease === null) return;
    this.#around.note({ ...order, lease: { attempt: lease.attempt, token: lease.token } });
    await this.#around.sync();
    this.#unsettled = await this.#around.execute(lease);
    await this.#around.settle(order, this.#unsettled);
  }
}

function lost(ordinal: number, { attempt, token }: { readonly attempt: number; readonly token: number }): Settlement {
  const error = { name: "WorkerLostError", message: "the attempt's worker died before it had ended", stack: null };
  return {
    ordinal,
    attempt,
    token,
    outcome: { type: "lost", to: "worker", error },
    children: [],
    logs: [],
    logsDropped: 0,
  };
}

/**
 * The long lane: one attempt of a task whose timeout is above 25 s (to 14 min), in an object of its own. It runs in the alarm
 * handler: a fresh top-level invocation with 15 minutes of wall time, as many side by side as there are.
 *
 * Life: `start` notes the order and sets the alarm → the alarm claims the task → executes → settles → deletes itself.
 * If the object dies while it executes, the platform calls the alarm again; the noted lease tells that an attempt was under way,
 * and it is reported lost at once rather than when its lease runs out; the run then starts a new attempt in a new object.
 * Leases decide, not the alarm's retries: a second object for the same task finds nothing to claim.
 */
import { DurableObject } from "cloudflare:workers";
import type { RunId } from "../core/ids.ts";
import { callRun } from "../run/run-client.ts";
import type { Lease, Settlement } from "../run/run-rpc.ts";
import { executeLease } from "./deployment.ts";
import { ExecutorStore, type ExecutorOrder } from "./executor-store.ts";
import type { ExecutorRpc } from "./executor-rpc.ts";

const ALARM_PAUSE_MS = 2_000;

export class ExecutorObject extends DurableObject<Env> implements ExecutorRpc {
  readonly #store: ExecutorStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ExecutorStore(ctx.storage);
  }

  async start(runId: RunId, ordinal: number): Promise<void> {
    if (this.#store.order() !== null) return;
    this.#store.note({ runId, ordinal, lease: null });
    await this.ctx.storage.setAlarm(Date.now() + 1);
  }

  /** Never throws: surroundings that fail are tried again by an alarm of our own, as often as it takes. */
  override async alarm(): Promise<void> {
    const order = this.#store.order();
    if (order === null) return;
    try {
      await this.#carryOut(order);
      await this.ctx.storage.deleteAll();
    } catch (error) {
      console.error(JSON.stringify({ message: "an executor object could not reach its run, trying again", run: order.runId, error: String(error) }));
      await this.ctx.storage.setAlarm(Date.now() + ALARM_PAUSE_MS);
    }
  }

  async #carryOut(order: ExecutorOrder): Promise<void> {
    const { runId, ordinal } = order;
    if (order.lease !== null) {
      await this.#settle(runId, lost(ordinal, order.lease));
      return;
    }
    const lease = await callRun(this.env, runId, (run) => run.begin(ordinal, this.ctx.id.toString()));
    if (lease === null) return;
    this.#store.note({ runId, ordinal, lease: { attempt: lease.attempt, token: lease.token } });
    await this.ctx.storage.sync();
    await this.#settle(runId, await this.#execute(lease));
  }

  async #execute(lease: Lease): Promise<Settlement> {
    const carried: Promise<unknown>[] = [];
    const settlement = await executeLease(this.env, lease, { waitUntil: (promise) => carried.push(promise), budgetMs: () => 0 });
    await Promise.allSettled(carried);
    return settlement;
  }

  async #settle(runId: RunId, settlement: Settlement): Promise<void> {
    await callRun(this.env, runId, (run) => run.settle({ settlements: [settlement], claim: null }));
  }
}

function lost(ordinal: number, { attempt, token }: { readonly attempt: number; readonly token: number }): Settlement {
  const error = { name: "WorkerLostError", message: "the attempt's worker died before it had ended", stack: null };
  return { ordinal, attempt, token, outcome: { type: "lost", to: "worker", error }, children: [], logs: [], logsDropped: 0 };
}

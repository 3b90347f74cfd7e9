/**
 * The debounce window of one task and key: it names the run that triggers of the window share. Whether the window is still open
 * is not decided here: the run itself knows if it has started, and a caller that finds it so asks again, naming it.
 *
 * So two first triggers at once get the same run, and a trigger that meets the very moment of the start opens the next window;
 * none is dropped. Idempotency keys are kept for 30 days: a retried attempt does not open a second window.
 */
import { DurableObject } from "cloudflare:workers";
import type { DebounceRpc, WindowAnswer, WindowRequest } from "./debounce-rpc.ts";
import { DebounceStore } from "./store.ts";

const KEEP_MS = 30 * 86_400_000;
const LOOK_AGAIN_MS = 86_400_000;

export class DebounceObject extends DurableObject<Env> implements DebounceRpc {
  async window({ idempotencyKey, started, fresh }: WindowRequest): Promise<WindowAnswer> {
    const store = new DebounceStore(this.ctx.storage);
    const known = idempotencyKey === null ? null : store.knownTrigger(idempotencyKey);
    if (known !== null) return { runId: known, known: true };
    const open = store.openWindow();
    const runId = open === null || open === started ? fresh : open;
    store.record(runId === open ? null : runId, idempotencyKey, runId, Date.now());
    if (runId !== open) await this.ctx.storage.setAlarm(Date.now() + KEEP_MS);
    return { runId, known: false };
  }

  /** Nothing was opened for a long time: forget the keys, and with the last of them everything. */
  override async alarm(): Promise<void> {
    const keysLeft = new DebounceStore(this.ctx.storage).forgetTriggersBefore(Date.now() - KEEP_MS);
    if (keysLeft) await this.ctx.storage.setAlarm(Date.now() + LOOK_AGAIN_MS);
    else await this.ctx.storage.deleteAll();
  }
}

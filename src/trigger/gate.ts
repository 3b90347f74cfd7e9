/**
 * The gate that every new trigger passes: overload slows acceptance, never the work (invariant 14). It knows how far the consumers of the
 * run queue are behind from `QueueWatch`, and asks again, beside the trigger, when that is old.
 *
 * Where nothing older waits and this isolate has room, a run begins in the invocation that has accepted it, one in each: no message is
 * sent, and no call is made to claim it. Its lease covers that the invocation dies.
 *
 * What a run triggers is work, not new work: it does not come here.
 */
import { admissionOf } from "../core/admission.ts";
import type { Problem } from "../core/result.ts";
import type { QueueWatch } from "../run/queue-client.ts";
import type { DriverRoom } from "../task/driver-room.ts";
import type { Gate, Lifetime } from "./accept.ts";

/** Triggers that an isolate holds up at once; what comes beyond is refused. */
const MOST_HELD_UP = 500;

/** Time, as the gate knows it. */
export interface GateClock {
  /** Epoch milliseconds. */
  now(): number;
  wait(ms: number): Promise<void>;
}

/** The gate of an isolate. */
export function createGate(watch: QueueWatch, room: DriverRoom, clock: GateClock): Gate {
  const now = (): number => clock.now();
  let heldUp = 0;
  /** Those that drive a run already. */
  const driving = new WeakSet<Lifetime>();

  return {
    async admit(env, lifetime) {
      if (watch.isStale(now())) lifetime.waitUntil(watch.ask(() => env.RUN_QUEUE.metrics(), now));
      const admission = admissionOf(watch.progress(now()));
      if (admission.type === "refused") return tooFarBehind(admission.retryAfterSeconds);
      if (admission.afterMs === 0) return null;
      if (heldUp >= MOST_HELD_UP) return tooFarBehind(Math.ceil(admission.afterMs / 1_000));
      heldUp += 1;
      try {
        await clock.wait(admission.afterMs);
      } finally {
        heldUp -= 1;
      }
      return null;
    },

    place(lifetime) {
      const admission = admissionOf(watch.progress(now()));
      const isFresh = lifetime.budgetMs === undefined && !driving.has(lifetime);
      if (!isFresh || admission.type === "refused" || !admission.isIdle) return null;
      const leave = room.take();
      if (leave !== null) driving.add(lifetime);
      return leave;
    },
  };
}

function tooFarBehind(retryAfterSeconds: number): Problem {
  return {
    code: "overloaded",
    detail: "More work waits than can be finished soon; nothing was started.",
    hint: `Send it again in ${retryAfterSeconds} s, with an idempotency key if it must not run twice.`,
    retryAfterSeconds,
  };
}

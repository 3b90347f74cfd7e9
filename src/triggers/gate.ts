/**
 * The gate that every new trigger passes: overload slows acceptance, never the work (invariant 14). It knows how far the consumers of the
 * run queue are behind from `QueueWatch`, and asks again, beside the trigger, when that is old.
 *
 * Where nothing older waits and this isolate has room, a run begins in the invocation that has accepted it, one in each: no message is
 * sent, and no call is made to claim it. Its lease covers that the invocation dies. Where it has no room and its processor is busy, the trigger waits
 * for room: the way through the queue would only cost more of what is short.
 *
 * What a run triggers is work, not new work: it does not come here.
 */
import { admissionOf } from "../domain/admission.ts";
import { ok, refuse, type Problem } from "../domain/problem.ts";
import type { QueueWatch } from "../objects/run/queue-client.ts";
import type { DriverRoom, Place } from "../execution/driver/driver-room.ts";
import type { Gate, Lifetime } from "./accept.ts";

/** Triggers that an isolate holds up at once; what comes beyond is refused. */
const MOST_HELD_UP = 500;

/** How long a trigger waits for a place while the isolate is busy, and how long at a time before it looks again. Milliseconds. */
const BUSY_MS = { most: 5_000, look: 20 } as const;

/** An isolate is busy whose timers are late by so much, in milliseconds: its processor has more to do than it can. */
const LATE_MS = 20;

/** Time, as the gate knows it. */
export interface GateClock {
  /** Epoch milliseconds. */
  now(): number;
  wait(ms: number): Promise<void>;
}

/** The gate of an isolate. */
export function createGate(watch: QueueWatch, room: DriverRoom, clock: GateClock): Gate {
  let heldUp = 0;
  /** Those that drive a run already. */
  const driving = new WeakSet<Lifetime>();

  async function heldUpFor<T>(work: Promise<T>): Promise<T> {
    heldUp += 1;
    try {
      return await work;
    } finally {
      heldUp -= 1;
    }
  }

  /**
   * A place, as soon as one is free while the isolate is busy: to begin one more driver now would make all slower. Where drivers only
   * wait for something, the processor is free for the queue.
   */
  async function placeOf(lifetime: Lifetime): Promise<Place | null> {
    let place = room.take();
    const until = clock.now() + BUSY_MS.most;
    for (let isBusy = true; place === null && isBusy; place = room.take()) {
      const before = clock.now();
      await clock.wait(BUSY_MS.look);
      const now = clock.now();
      isBusy = now - before >= BUSY_MS.look + LATE_MS && now < until;
    }
    if (place !== null) driving.add(lifetime);
    return place;
  }

  return {
    async admit(env, lifetime, begins) {
      const now = (): number => clock.now();
      if (watch.isStale(now())) lifetime.waitUntil(watch.ask(() => env.RUN_QUEUE.metrics(), now));
      const admission = admissionOf(watch.progress(now()));
      if (admission.type === "refused") return refuse(tooFarBehind(admission.retryAfterSeconds));
      const { afterMs, isIdle } = admission;
      if (heldUp >= MOST_HELD_UP)
        return refuse(tooFarBehind(Math.ceil((afterMs + BUSY_MS.most) / 1_000)));
      if (afterMs > 0) await heldUpFor(clock.wait(afterMs));
      const mayDrive =
        begins && isIdle && lifetime.budgetMs === undefined && !driving.has(lifetime);
      return ok(mayDrive ? await heldUpFor(placeOf(lifetime)) : null);
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

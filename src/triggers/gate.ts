/**
 * Admission of new triggers: overload slows acceptance, never the work (invariant 14). `QueueWatch`
 * knows how far the consumers of the run queue lag behind; an old value is refreshed in the
 * background.
 *
 * If no older work waits and the isolate has room, a run begins in its accepting invocation, at
 * most one in each: no message is sent, and no extra call claims the run. If the invocation dies,
 * the run's lease recovers the run. Without room and with a busy processor, the trigger waits for
 * room: the way through the queue would cost even more of the scarce resource.
 *
 * Triggers of a run are not new work and do not pass the gate.
 */
import { admissionOf } from "../domain/admission.ts";
import { ok, refuse, type Problem } from "../domain/problem.ts";
import type { QueueWatch } from "../objects/run/queue-client.ts";
import type { DriverRoom, Place } from "./driver-room.ts";
import type { Gate } from "./accept.ts";
import type { Lifetime } from "../platform/lifetime.ts";

/** The largest number of triggers that wait in an isolate; further ones are refused. */
const MOST_HELD_UP = 500;

/**
 * The longest wait for a place in a busy isolate, and the interval of looking for one.
 * Milliseconds.
 */
const BUSY_MS = { most: 5_000, look: 20 } as const;

/** An isolate is busy if its timers are late by this many milliseconds. */
const LATE_MS = 20;

/** Injected time. */
export interface GateClock {
  /** Epoch milliseconds. */
  now(): number;
  wait(ms: number): Promise<void>;
}

/** Creates the gate of an isolate. */
export function createGate(watch: QueueWatch, room: DriverRoom, clock: GateClock): Gate {
  let heldUp = 0;
  /** Invocations that drive a run already. */
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
   * Takes a place, as soon as one is free while the isolate is busy: another driver would slow down
   * all of them. If the drivers only wait for something, the processor is free for the queue.
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

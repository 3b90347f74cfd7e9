import { env } from "../support/env.ts";
import { describe, expect, it } from "vitest";
import { QueueWatch } from "../../src/objects/run/queue-client.ts";
import { DriverRoom, type Place } from "../../src/triggers/driver-room.ts";
import type { Gate } from "../../src/triggers/accept.ts";
import type { Lifetime } from "../../src/platform/lifetime.ts";
import { createGate } from "../../src/triggers/gate.ts";

const NOW = 1_000_000;

/**
 * A gate where messages wait so long. `waits`: how long triggers were held up. Each wait ends when `goOn` is called, `lateMs` late.
 */
function gateBehind(lagMs: number, { places = 2, lateMs = 0 } = {}) {
  const watch = new QueueWatch();
  const waits: number[] = [];
  const ends: (() => void)[] = [];
  let now = NOW;
  watch.received(NOW - lagMs, NOW);
  const gate = createGate(watch, new DriverRoom(places), {
    now: () => now,
    wait(ms) {
      waits.push(ms);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.push(() => {
        now += ms + lateMs;
        watch.received(now - lagMs, now);
        resolve();
      });
      return promise;
    },
  });
  const goOn = async (): Promise<void> => {
    for (const end of ends.splice(0)) end();
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  return { gate, waits, goOn };
}

/** Of a request. */
function fresh(): Lifetime {
  return { waitUntil: () => undefined };
}

function admit(gate: Gate, lifetime = fresh()) {
  return gate.admit(env, lifetime, true);
}

async function placeIn(gate: Gate, lifetime = fresh()): Promise<Place | null> {
  const admitted = await admit(gate, lifetime);
  if (!admitted.ok) throw new Error(admitted.problem.detail);
  return admitted.value;
}

describe("a trigger at the gate", () => {
  it("a trigger at the gate passes at once while nothing older waits", async () => {
    const { gate, waits } = gateBehind(0);
    expect(await admit(gate)).toMatchObject({ ok: true });
    expect(waits).toEqual([]);
  });

  it("a trigger at the gate is held up while older work waits, and then has the queue", async () => {
    const { gate, waits, goOn } = gateBehind(20_000);
    const admitting = admit(gate);
    expect(waits).toEqual([2_000]);
    await goOn();
    expect(await admitting).toEqual({ ok: true, value: null });
  });

  it("a trigger at the gate is refused with the time to come again when more waits than can be promised", async () => {
    const { gate, waits } = gateBehind(90_000);
    expect(await admit(gate)).toMatchObject({ ok: false, problem: { code: "overloaded", retryAfterSeconds: 45 } });
    expect(waits).toEqual([]);
  });

  it("a trigger at the gate is refused when five hundred are held up already", async () => {
    const { gate, goOn } = gateBehind(20_000);
    const heldUp = Array.from({ length: 500 }, () => admit(gate));
    expect(await admit(gate)).toMatchObject({ ok: false, problem: { code: "overloaded", retryAfterSeconds: 7 } });
    await goOn();
    expect(await Promise.all(heldUp)).toEqual(heldUp.map(() => ({ ok: true, value: null })));
    const next = admit(gate);
    await goOn();
    expect(await next).toMatchObject({ ok: true });
  });

  it("a trigger at the gate has the backlog asked for beside it where nothing is known", async () => {
    const asked: Promise<unknown>[] = [];
    const gate = createGate(new QueueWatch(), new DriverRoom(1), { now: () => NOW, wait: () => Promise.resolve() });
    expect(await gate.admit(env, { waitUntil: (work) => void asked.push(work) }, true)).toMatchObject({ ok: true });
    expect(asked).toHaveLength(1);
    await asked[0];
  });
});

describe("a place for a driver", () => {
  it("a place for a driver is there for as many runs as the isolate has room for, and again for the next when one leaves", async () => {
    const { gate, waits, goOn } = gateBehind(0);
    const place = await placeIn(gate);
    expect(await placeIn(gate)).not.toBeNull();
    const none = placeIn(gate);
    await goOn();
    expect(await none).toBeNull();
    expect(waits).toEqual([20]);
    place?.leave();
    place?.leave();
    expect(await placeIn(gate)).not.toBeNull();
    const next = placeIn(gate);
    await goOn();
    expect(await next).toBeNull();
  });

  it("a place for a driver is kept by its driver until that has ended", async () => {
    const { gate, goOn } = gateBehind(0, { places: 1 });
    const place = await placeIn(gate);
    const { promise: working, resolve: end } = Promise.withResolvers<void>();
    const kept = place?.keepFor(working);
    place?.leave();
    const none = placeIn(gate);
    await goOn();
    expect(await none).toBeNull();
    end();
    await kept;
    expect(await placeIn(gate)).not.toBeNull();
  });

  it("a place for a driver is waited for while the isolate is busy, which its late timers tell, and found when a driver leaves", async () => {
    const { gate, waits, goOn } = gateBehind(0, { places: 1, lateMs: 30 });
    const place = await placeIn(gate);
    const waiting = placeIn(gate);
    await goOn();
    await goOn();
    expect(waits).toEqual([20, 20, 20]);
    place?.leave();
    await goOn();
    expect(await waiting).not.toBeNull();
  });

  it("a place for a driver is not waited for longer than five seconds", async () => {
    const { gate, waits, goOn } = gateBehind(0, { places: 1, lateMs: 480 });
    await placeIn(gate);
    const waiting = placeIn(gate);
    for (let wait = 0; wait < 10; wait += 1) await goOn();
    expect(await waiting).toBeNull();
    expect(waits).toHaveLength(10);
  });

  it("a place for a driver is there for one run of an invocation: the next ones have the queue", async () => {
    const { gate } = gateBehind(0);
    const lifetime = fresh();
    expect(await placeIn(gate, lifetime)).not.toBeNull();
    expect(await placeIn(gate, lifetime)).toBeNull();
  });

  it("a place for a driver is not there in an invocation that is under way: a task that triggers, a consumer, a schedule", async () => {
    const { gate } = gateBehind(0);
    expect(await placeIn(gate, { ...fresh(), budgetMs: () => 28_000 })).toBeNull();
  });

  it("a place for a driver is not there for a run that does not begin now", async () => {
    expect(await gateBehind(0).gate.admit(env, fresh(), false)).toEqual({ ok: true, value: null });
  });
});

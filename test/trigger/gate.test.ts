import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { QueueWatch } from "../../src/run/queue-client.ts";
import { DriverRoom } from "../../src/task/driver-room.ts";
import type { Gate, Lifetime } from "../../src/trigger/accept.ts";
import { createGate } from "../../src/trigger/gate.ts";

const NOW = 1_000_000;

/** A gate where messages wait so long. `waits`: how long triggers were held up; they go on when `goOn` is called. */
function gateBehind(lagMs: number, places = 2) {
  const watch = new QueueWatch();
  watch.received(NOW - lagMs, NOW);
  const waits: number[] = [];
  const { promise, resolve: goOn } = Promise.withResolvers<void>();
  const gate = createGate(watch, new DriverRoom(places), {
    now: () => NOW,
    wait(ms) {
      waits.push(ms);
      return promise;
    },
  });
  return { gate, waits, goOn };
}

/** Of a request. */
function fresh(): Lifetime {
  return { waitUntil: () => undefined };
}

function admit(gate: Gate) {
  return gate.admit(env, fresh());
}

describe("a trigger at the gate", () => {
  it("passes at once while nothing older waits", async () => {
    const { gate, waits } = gateBehind(0);
    expect(await admit(gate)).toBeNull();
    expect(waits).toEqual([]);
  });

  it("is held up while older work waits", async () => {
    const { gate, waits, goOn } = gateBehind(20_000);
    const admitting = admit(gate);
    expect(waits).toEqual([2_000]);
    goOn();
    expect(await admitting).toBeNull();
  });

  it("is refused with the time to come again when more waits than can be promised", async () => {
    const { gate, waits } = gateBehind(90_000);
    expect(await admit(gate)).toMatchObject({ code: "overloaded", retryAfterSeconds: 45 });
    expect(waits).toEqual([]);
  });

  it("is refused when five hundred are held up already", async () => {
    const { gate, goOn } = gateBehind(20_000);
    const heldUp = Array.from({ length: 500 }, () => admit(gate));
    expect(await admit(gate)).toMatchObject({ code: "overloaded", retryAfterSeconds: 2 });
    goOn();
    expect(await Promise.all(heldUp)).toEqual(heldUp.map(() => null));
    expect(await admit(gate)).toBeNull();
  });

  it("has the backlog asked for beside it where nothing is known", async () => {
    const asked: Promise<unknown>[] = [];
    const gate = createGate(new QueueWatch(), new DriverRoom(1), { now: () => NOW, wait: () => Promise.resolve() });
    expect(await gate.admit(env, { waitUntil: (work) => void asked.push(work) })).toBeNull();
    expect(asked).toHaveLength(1);
    await asked[0];
  });
});

describe("a place for a driver", () => {
  it("is there for as many runs as the isolate has room for, and again for the next when one leaves", () => {
    const { gate } = gateBehind(0);
    const leave = gate.place(fresh());
    expect(gate.place(fresh())).not.toBeNull();
    expect(gate.place(fresh())).toBeNull();
    leave?.();
    leave?.();
    expect(gate.place(fresh())).not.toBeNull();
    expect(gate.place(fresh())).toBeNull();
  });

  it("is there for one run of an invocation: the next ones have the queue", () => {
    const { gate } = gateBehind(0);
    const lifetime = fresh();
    expect(gate.place(lifetime)).not.toBeNull();
    expect(gate.place(lifetime)).toBeNull();
  });

  it("is not there in an invocation that is under way: a task that triggers, a consumer, a schedule", () => {
    const { gate } = gateBehind(0);
    expect(gate.place({ ...fresh(), budgetMs: () => 28_000 })).toBeNull();
  });

  it("is not there while older work waits in the queue", () => {
    expect(gateBehind(1_001).gate.place(fresh())).toBeNull();
    expect(gateBehind(1_000).gate.place(fresh())).not.toBeNull();
  });
});

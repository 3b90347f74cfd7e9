import { describe, expect, it } from "vitest";
import { advance, nextWakeAt } from "../../../src/domain/run/machine.ts";
import type { PayloadRef } from "../../../src/domain/payload.ts";
import { applyChange } from "../../../src/domain/run/apply-change.ts";
import { newRun } from "../../../src/domain/run/state.ts";
import { FRESH_DRIVER, genesisOf, graphOf, Play } from "../../support/run-play.ts";

const HOUR_MS = 3_600_000;

function payloadRef(key: string): PayloadRef {
  return { kind: "json", size: 2, contentType: "application/json", at: "r2", key };
}

/** A run whose root may start an hour from `now`. */
function delayed(now = 1_000_000, claim: typeof FRESH_DRIVER | null = null): Play {
  const play = new Play("a > b");
  const run = newRun(genesisOf(graphOf("a > b"), now));
  play.now = now;
  play.last = advance(run, { type: "accepted", claim, delayMs: HOUR_MS }, now);
  if (play.last.change !== null) applyChange(run, play.last.change);
  return Object.assign(play, { run });
}

describe("a run with a delay", () => {
  it("a run with a delay tells nobody and grants nothing before its time, also to the invocation that recorded it", () => {
    const play = delayed(1_000_000, FRESH_DRIVER);
    expect(play.last).toMatchObject({ effects: [], leases: [] });
    expect(play.claim()).toEqual([]);
    expect(play.begin("a", "an executor")).toBeNull();
    play.now += HOUR_MS - 1;
    expect(play.claim()).toEqual([]);
    expect(play.event({ type: "woken" })).toMatchObject({ change: null, rejections: ["not_due"] });
  });

  it("a run with a delay has what the last payload says of its limits", () => {
    const play = delayed();
    const postponed = { type: "postponed", payload: payloadRef("later"), delayMs: HOUR_MS } as const;
    play.event({ ...postponed, limitKeys: { concurrency: "eu" } });
    expect(play.run).toMatchObject({ payload: postponed.payload, limitKeys: { concurrency: "eu" } });
    play.event(postponed);
    expect(play.run.limitKeys).toBeUndefined();
  });

  it("a run with a delay begins anew with each postponement, but ends at the latest its longest wait after the run was accepted", () => {
    const play = delayed();
    const postponed = {
      type: "postponed",
      payload: payloadRef("later"),
      delayMs: HOUR_MS,
      maxWaitMs: 2 * HOUR_MS,
    } as const;
    const acceptedAt = play.now;
    play.now += HOUR_MS / 2;
    play.event(postponed);
    expect(nextWakeAt(play.run)).toBe(acceptedAt + 1.5 * HOUR_MS);
    play.now += HOUR_MS - 1;
    play.event(postponed);
    expect(nextWakeAt(play.run)).toBe(acceptedAt + 2 * HOUR_MS);
    // The clock is set back: it waits no longer for that.
    play.now = acceptedAt - HOUR_MS;
    play.event(postponed);
    expect(nextWakeAt(play.run)).toBe(play.now + HOUR_MS);
  });

  it("a run with a delay remembers by whom it was postponed, with what", () => {
    const play = delayed();
    const joined = { id: "key", nonce: "n", digest: "d" };
    play.event({ type: "postponed", payload: payloadRef("later"), delayMs: HOUR_MS, joined });
    expect(play.run.joined).toEqual({ key: { nonce: "n", digest: "d" } });
  });

  it("a run with a delay is woken at its time, and starts", () => {
    const play = delayed();
    expect(nextWakeAt(play.run)).toBe(play.now + HOUR_MS);
    play.now += HOUR_MS;
    expect(play.event({ type: "woken" }).effects).toEqual([{ type: "dispatch", drivers: 1 }]);
    expect(play.claim()).toEqual(["a"]);
  });

  it("a run with a delay starts at its time for who asks, also before it is woken", () => {
    const play = delayed();
    play.now += HOUR_MS;
    expect(play.claim()).toEqual(["a"]);
  });

  it("a run with a delay is cancelled before it has started", () => {
    const play = delayed();
    play.event({ type: "cancelled" });
    expect(play.run.status).toBe("cancelled");
  });
});

describe("postponing", () => {
  it("postponing begins the delay anew, with another payload", () => {
    const play = delayed();
    play.now += HOUR_MS / 2;
    play.event({ type: "postponed", payload: payloadRef("later"), delayMs: HOUR_MS });
    expect(nextWakeAt(play.run)).toBe(play.now + HOUR_MS);
    expect(play.run.payload).toEqual(payloadRef("later"));
  });

  it.each([
    ["whose time has come", (play: Play): void => void (play.now += HOUR_MS)],
    ["that runs", (play: Play): void => void ((play.now += HOUR_MS), play.claim())],
    ["that was cancelled", (play: Play): void => void play.event({ type: "cancelled" })],
  ])("postponing changes nothing in a run %s", (_, happen) => {
    const play = delayed();
    happen(play);
    const postponed = play.event({ type: "postponed", payload: payloadRef("late"), delayMs: HOUR_MS });
    expect(postponed).toMatchObject({ change: null, rejections: ["already_started"] });
    expect(play.run.payload).toMatchObject({ key: "trigger" });
  });

  it("postponing changes nothing in a run that never had a delay", () => {
    const play = new Play("a");
    const postponed = play.event({ type: "postponed", payload: payloadRef("late"), delayMs: HOUR_MS });
    expect(postponed.rejections).toEqual(["already_started"]);
  });
});

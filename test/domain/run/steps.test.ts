import { describe, expect, it } from "vitest";
import type { GrantedLease } from "../../../src/domain/run/machine-events.ts";
import { failed, lost, PAYLOAD, Play, succeeded } from "../../support/run-play.ts";

function running(): { play: Play; lease: GrantedLease } {
  const play = new Play("only", { only: { retries: { limit: 3, delayMs: 0 } } });
  play.claim();
  return { play, lease: play.leaseOf("only") };
}

function step(play: Play, lease: GrantedLease, name: string): void {
  play.event({ type: "stepped", lease, name, result: PAYLOAD });
}

function namesOf(play: Play): string[] {
  return play.run.tasks[0]?.steps?.map(({ name }) => name) ?? [];
}

describe("a step of a running attempt", () => {
  it("a step of a running attempt is recorded, once, with its time", () => {
    const { play, lease } = running();
    step(play, lease, "fetch");
    step(play, lease, "fetch");
    expect(play.last).toMatchObject({ change: null, rejections: ["step_recorded"] });
    expect(play.run.tasks[0]?.steps).toEqual([{ name: "fetch", result: PAYLOAD, finishedAt: play.now }]);
    expect(play.stateOf("only").status).toBe("running");
  });

  it.each([
    ["threw", failed()],
    ["was lost", lost("worker")],
    ["was suspended", { type: "suspended", awaits: [] } as const],
  ])("a step of a running attempt is there for the next attempt after one that %s", (_, outcome) => {
    const { play, lease } = running();
    step(play, lease, "fetch");
    play.settle("only", outcome);
    expect(namesOf(play)).toEqual(["fetch"]);
  });

  it("a step of a running attempt stays with the task when it has ended", () => {
    const { play, lease } = running();
    step(play, lease, "fetch");
    play.settle("only", succeeded());
    expect(namesOf(play)).toEqual(["fetch"]);
  });
});

describe("a step of an attempt that is over", () => {
  it("a step of an attempt that is over is recorded nowhere: another attempt holds the lease", () => {
    const { play, lease } = running();
    play.settle("only", lost("worker"));
    play.claim();
    step(play, lease, "fetch");
    expect(play.last).toMatchObject({ change: null, rejections: ["stale_lease"] });
    expect(namesOf(play)).toEqual([]);
  });

  it.each([
    ["its run was cancelled", (play: Play): unknown => play.cancel()],
    ["it has settled", (play: Play): unknown => play.settle("only", succeeded())],
  ])("a step of an attempt that is over is recorded nowhere: %s", (_, end) => {
    const { play, lease } = running();
    end(play);
    step(play, lease, "fetch");
    expect(play.last).toMatchObject({ change: null, rejections: ["stale_lease"] });
  });

  it("a step of an attempt that is over is recorded nowhere: there is no such task", () => {
    const { play, lease } = running();
    step(play, { ...lease, ordinal: 7 }, "fetch");
    expect(play.last).toMatchObject({ change: null, rejections: ["no_such_task"] });
  });
});

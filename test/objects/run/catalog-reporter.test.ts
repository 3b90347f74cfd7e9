import { describe, expect, it, vi } from "vitest";
import { plan } from "#generated/plan";
import type { RunSummary } from "../../../src/domain/run/summary.ts";
import { newRun, type Run } from "../../../src/domain/run/state.ts";
import { CatalogReporter } from "../../../src/objects/run/catalog-reporter.ts";
import { acceptance, newRunId } from "../../support/hand-driven.ts";

function queuedRun(): Run {
  const { graph, origin } = acceptance(plan, "kilo_start");
  const payload = { at: "run", kind: "json", contentType: "application/json", size: 4, seq: 1, offset: 0 } as const;
  return newRun({ id: newRunId(), graph, origin, payload, createdAt: 1, nonce: "n" });
}

function changed(run: Run, change: Partial<Pick<Run, "status" | "startedAt" | "finishedAt">>): Run {
  return Object.assign(run, change, { revision: run.revision + 1 });
}

/** A feed whose pauses end when the test says, and what it has told. */
function feed() {
  const told: { status: string; keep: boolean }[] = [];
  const pauses: { work: () => void; isOff: boolean }[] = [];
  const failed = vi.fn();
  const made = new CatalogReporter(
    async ({ status }: RunSummary, keep) => {
      told.push({ status, keep });
      return keep;
    },
    failed,
    (_milliseconds, work) => {
      const pause = { work, isOff: false };
      pauses.push(pause);
      return () => (pause.isOff = true);
    },
  );
  return { feed: made, told, pauses, failed };
}

describe("what the catalog is told of a run", () => {
  it("what the catalog is told of a run that is not final is told after a pause, once, as the run is then", async () => {
    const { feed: telling, told, pauses } = feed();
    const run = queuedRun();
    const noted = telling.note(run, false);
    await telling.note(changed(run, { status: "running", startedAt: 2 }), false);
    expect([told, pauses.length]).toEqual([[], 1]);
    pauses[0]?.work();
    await noted;
    expect(told).toEqual([{ status: "running", keep: false }]);
    expect(telling.isConfirmed(run)).toBe(false);
  });

  it("what the catalog is told of a run that takes the place of a deleted run of the same id is not what was kept of that", async () => {
    const { feed: telling, told } = feed();
    const former = changed(queuedRun(), { status: "succeeded", startedAt: 2, finishedAt: 3 });
    await telling.confirm(former);
    const run = Object.assign(queuedRun(), { nonce: "another" });
    expect(telling.isConfirmed(run)).toBe(false);
    await telling.confirm(run);
    expect(told).toEqual([
      { status: "succeeded", keep: true },
      { status: "queued", keep: true },
    ]);
    expect(telling.isConfirmed(run)).toBe(true);
  });

  it("what the catalog is told of a run that ends meanwhile is told at once, and nothing before", async () => {
    const { feed: telling, told, pauses } = feed();
    const run = queuedRun();
    const noted = telling.note(run, false);
    await telling.note(changed(run, { status: "succeeded", startedAt: 2, finishedAt: 3 }), false);
    await noted;
    expect(told).toEqual([{ status: "succeeded", keep: true }]);
    expect(pauses.map(({ isOff }) => isOff)).toEqual([true]);
    expect(telling.isConfirmed(run)).toBe(true);
    // It may be retried, and be told of again.
    const again = telling.note(changed(run, { status: "running", finishedAt: null }), false);
    pauses[1]?.work();
    await again;
    expect(told.at(-1)).toEqual({ status: "running", keep: false });
  });

  it("what the catalog is told of a run is told at once where it must be kept", async () => {
    const { feed: telling, told, pauses } = feed();
    await telling.note(queuedRun(), true);
    expect([told, pauses]).toEqual([[{ status: "queued", keep: true }], []]);
  });

  it("what the catalog is told of a run is confirmed after it was noted for nothing", async () => {
    const { feed: telling, told, pauses } = feed();
    const run = queuedRun();
    const noted = telling.note(run, false);
    await telling.confirm(run);
    pauses[0]?.work();
    await noted;
    await telling.confirm(changed(run, { status: "cancelled", finishedAt: 5 }));
    expect(told).toEqual([
      { status: "queued", keep: true },
      { status: "cancelled", keep: true },
    ]);
  });
});

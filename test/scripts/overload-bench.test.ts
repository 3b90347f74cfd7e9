import { describe, expect, it, vi } from "vitest";
import { BrokenSample } from "../../scripts/bench/measure.ts";
import { MEASURES } from "../../scripts/bench/measures.ts";
import { readOptions } from "../../scripts/bench/options.ts";
import { figureOf } from "../../scripts/bench/statistics.ts";
import type { Offer, System } from "../../scripts/bench/systems.ts";
import { judge } from "../../scripts/bench/targets.ts";

/** Takes every trigger, `answerMs` after it was sent, and ends its run `runMs` after that; refuses each `refuses`th. */
function busySystem({
  answerMs,
  runMs,
  refuses,
  breaksAfter = Number.POSITIVE_INFINITY,
}: {
  answerMs: number;
  runMs: number;
  refuses: number;
  breaksAfter?: number;
}): System {
  let offers = 0;
  return {
    name: "peach",
    run: () => Promise.reject(new Error("an overload does not wait for the end of a run")),
    async offer(): Promise<Offer> {
      await after(answerMs);
      offers += 1;
      if (offers > breaksAfter) throw new Error("terminated");
      if (offers % refuses === 0) return { type: "refused", retryAfterMs: 1_000 };
      return { type: "accepted", acceptedMs: answerMs, ended: after(runMs) };
    },
  };
}

/** Resolves when the faked clock has come so far. */
function after(ms: number): Promise<void> {
  return new Promise((wake) => globalThis.setTimeout(wake, ms));
}

/** The figures of an overload of so many seconds, by the name of the metric without that of the measure. */
async function overload(system: System, seconds: number): Promise<Record<string, number>> {
  const measure = MEASURES.find(({ name }) => name === "overload");
  if (measure === undefined) throw new Error("there is no such measure");
  vi.useFakeTimers();
  try {
    const sampled = measure.sample(system, 1, { overloadMs: 1_000 * seconds, onProgress: () => undefined });
    // Its rejection is seen below; the clock comes first.
    sampled.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(60_000);
    const figures = await sampled;
    return Object.fromEntries(
      measure.metrics.map(({ name }, at) => [name.slice("overload_".length), figures[at] ?? 0]),
    );
  } finally {
    vi.useRealTimers();
  }
}

describe("the overload of the bench", () => {
  it("the overload of the bench counts what ends while it lasts, and how fast the rest is drained", async () => {
    const figures = await overload(busySystem({ answerMs: 100, runMs: 10_000, refuses: Number.POSITIVE_INFINITY }), 20);
    // 32 clients, each ten times a second; the runs of the last ten seconds are left.
    expect(figures["accepted"]).toBeCloseTo(320, -1);
    expect(figures["finished"]).toBeCloseTo(160, -1);
    expect(figures["left"]).toBeGreaterThan(3_100);
    expect(figures["drained"]).toBeCloseTo(320, -1);
    expect(figures["refused"]).toBe(0);
  });

  it("the overload of the bench of a system that breaks counts until its last run ended", async () => {
    const system = busySystem({ answerMs: 100, runMs: 100, refuses: Number.POSITIVE_INFINITY, breaksAfter: 1_600 });
    const broken: unknown = await overload(system, 20).catch((error: unknown) => error);
    if (!(broken instanceof BrokenSample)) throw new Error("it did not break", { cause: broken });
    const [finished = 0, , , , , , , lasted = 0] = broken.figures;
    // 1,600 triggers of 32 clients are five seconds of ten a second each.
    expect(lasted).toBeCloseTo(5.1, 0);
    expect(finished).toBeGreaterThan(290);
  });

  it("the overload of the bench has a client that is refused come again after the time that it was told", async () => {
    const figures = await overload(busySystem({ answerMs: 100, runMs: 100, refuses: 2 }), 20);
    // Each client: 100 ms for what is accepted, 100 ms and a second for what is refused.
    expect(figures["refused"]).toBeGreaterThan(400);
    expect(figures["accepted"]).toBeLessThan(40);
  });

  it("the overload of the bench is judged against the same work with another dispatch", () => {
    const metric = { title: "", unit: "runs/s" } as const;
    const verdicts = judge([
      { ...metric, name: "overload_finished", figures: { peach: figureOf([90]) } },
      { ...metric, name: "overload_direct_finished", figures: { peach: figureOf([100]) } },
    ]);
    expect(verdicts).toMatchObject([
      { metric: "overload_finished", of: "overload_direct_finished", ratio: 0.9, reached: true },
    ]);
  });

  it("the overload of the bench lasts as long as it is told, and is not for a deployment, whose runs report no end", () => {
    expect(readOptions([], {}).overloadMs).toBe(60_000);
    expect(readOptions(["--seconds", "300"], {}).overloadMs).toBe(300_000);
    expect(() => readOptions(["--seconds", "601"], {})).toThrow("--seconds takes a number from 1 to 600");
    const { measures } = readOptions(["--url", "https://peach.example", "--token", "t"], {});
    expect(measures.map(({ name }) => name)).not.toContain("overload");
    expect(measures.map(({ name }) => name)).toContain("diamonds");
  });
});

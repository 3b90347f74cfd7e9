import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { IS_LONG } from "../support/long.ts";
import type { RunDocument } from "./peach.ts";
import { Stage } from "./stage.ts";

/** Long: as a user's might take. */
const LONG_MS = IS_LONG ? 40_000 : 8_000;
/** Within the timeout of a driver's tasks. */
const SLOW_MS = Math.min(LONG_MS, 20_000);
const LAP_MS = IS_LONG ? 8_000 : 1_500;
const LIMIT_MS = 180_000;
const LINKS = 100;
const SIDE_BY_SIDE = 20;
const SAMPLES = 9;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("lanes", readFileSync(`${import.meta.dirname}/fixtures/lanes/peach.conf`, "utf8") + links());
  return () => stage.close();
});

describe(`${SIDE_BY_SIDE} tasks of ${LONG_MS / 1_000} s in the long lane, and as many in drivers`, () => {
  it("run side by side, and delay no short run among them", { timeout: LIMIT_MS }, async () => {
    await shortRunMs();
    const idleMs = await medianShortRunMs();

    const startedAt = Date.now();
    const lasting = await Promise.all(
      Array.from({ length: 2 * SIDE_BY_SIDE }, (_, index) =>
        index % 2 === 0 ? stage.peach.trigger("long", { ms: LONG_MS }) : stage.peach.trigger("slow", { ms: SLOW_MS }),
      ),
    );
    await vi.waitFor(() => expect(stage.recorder.reports("start")).toHaveLength(lasting.length), LONG_MS);
    const besideMs = await medianShortRunMs();
    // All of them run still: none has waited for another, nor the short runs for any of them.
    expect(stage.recorder.reports("end")).toEqual([]);

    const runs = await Promise.all(lasting.map(({ run_id }) => stage.peach.finished(run_id, LIMIT_MS)));
    const allMs = Date.now() - startedAt;
    console.log(
      `${lasting.length} tasks of up to ${LONG_MS} ms took ${allMs} ms; a short run took ${idleMs} ms on the idle runtime, ${besideMs} ms beside them (medians)`,
    );
    expect(runs.map(outline)).toEqual(runs.map(() => ["succeeded", 1]));
  });
});

describe("chains", () => {
  it(`of ${LINKS} short tasks, pass a value from one end to the other`, async () => {
    const { run_id } = await stage.peach.trigger("link0", 0);
    const run = await stage.peach.finished(run_id, LIMIT_MS);
    expect(run.tasks.map(({ status, attempts }) => [status, attempts.length])).toEqual(
      Array.from({ length: LINKS }, () => ["succeeded", 1]),
    );
    expect(await (await stage.peach.payload(run_id, `link${LINKS - 1}`)).json()).toBe(LINKS);
    console.log(`a chain of ${LINKS} short tasks took ${run.duration_ms} ms`);
  });

  it("chains whose tasks together outlast a driver go on in another", { timeout: LIMIT_MS }, async () => {
    const { run_id } = await stage.peach.trigger("lap1", { ms: LAP_MS });
    const run = await stage.peach.finished(run_id, LIMIT_MS);
    expect(run.tasks.map(({ status, attempts }) => [status, attempts.length])).toEqual(
      run.tasks.map(() => ["succeeded", 1]),
    );
    expect(stage.recorder.of(run_id, "end").map(({ task }) => task)).toEqual(["lap1", "lap2", "lap3", "lap4"]);
    console.log(`a chain of 4 tasks of ${LAP_MS} ms took ${run.duration_ms} ms`);
  });
});

function links(): string {
  const lines = Array.from({ length: LINKS }, (_, index) => {
    const downstream = index + 1 < LINKS ? `, downstream: link${index + 1}` : "";
    return `  link${index}: {method: count${downstream}}\n`;
  });
  return lines.join("");
}

function outline(run: RunDocument): unknown {
  return [run.status, run.tasks[0]?.attempts.length];
}

/** From the trigger to the final document, in one call. */
async function shortRunMs(): Promise<number> {
  const startedAt = performance.now();
  const answer = await stage.peach.call("/api/v1/tasks/short/trigger?wait=30s", { method: "POST" });
  expect(await answer.json()).toMatchObject({ task: "short", status: "succeeded" });
  return performance.now() - startedAt;
}

async function medianShortRunMs(): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) times.push(await shortRunMs());
  return Math.round(times.toSorted((one, other) => one - other)[Math.floor(SAMPLES / 2)] ?? Number.NaN);
}

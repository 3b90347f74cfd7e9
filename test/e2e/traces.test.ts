import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { Report } from "./recorder.ts";
import { Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("triggers");
  return () => stage.close();
});

let made = 0;
/** A trace of its own for each test. */
function newTrace(): { id: string; header: string } {
  made += 1;
  const id = made.toString(16).padStart(32, "a");
  return { id, header: `00-${id}-b7ad6b7169203331-01` };
}

const accepted = z.object({ run_id: z.string() });

async function triggerTraced(task: string, header: string): Promise<string> {
  const answer = await stage.peach.call(`/api/v1/tasks/${task}/trigger`, {
    method: "POST",
    headers: { Traceparent: header },
  });
  return accepted.parse(await answer.json()).run_id;
}

/** What the API says of the run's trace. */
async function traceOf(runId: string): Promise<string | null> {
  const answer = await stage.peach.call(`/api/v1/runs/${runId}`);
  const { trigger } = z
    .object({ trigger: z.object({ traceparent: z.string().optional() }) })
    .parse(await answer.json());
  return trigger.traceparent ?? null;
}

function reportsOf(traceId: string): readonly Report[] {
  return [...stage.recorder.reports("start"), ...stage.recorder.reports("triggered")].filter(({ traceparent }) =>
    traceparent?.includes(traceId),
  );
}

describe("a trace that comes in with a trigger", () => {
  it("a trace that comes in with a trigger is on what the run's attempts fetch, as a span of their own, and in the run's document", async () => {
    const { id, header } = newTrace();
    const runId = await triggerTraced("counted", header);
    await stage.peach.finished(runId);
    const [report, ...others] = stage.recorder.of(runId, "start");
    expect(others).toEqual([]);
    expect(report?.traceparent).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-01$`));
    expect(report?.traceparent).not.toBe(header);
    expect(await traceOf(runId)).toBe(header);
  });

  it("a trace that comes in with a trigger goes on to the runs that its attempts trigger, below the attempt that made them, also when it is retried", async () => {
    const { id, header } = newTrace();
    const runId = await triggerTraced("parent", header);
    const run = await stage.peach.finished(runId);
    for (const child of run.children) await stage.peach.finished(child.run_id);
    const attempts = stage.recorder.of(runId, "triggered").map(({ traceparent }) => traceparent);
    expect(new Set(attempts).size).toBe(3);
    for (const child of new Set(run.children.map((one) => one.run_id))) {
      // The first attempt has made them, the others have found them.
      expect(await traceOf(child)).toBe(attempts[0]);
      expect(stage.recorder.of(child, "start")[0]?.traceparent).toContain(id);
    }
    expect(reportsOf(id).length).toBeGreaterThan(4);
  });

  it("a trace that comes in with a trigger goes on from an endpoint", async () => {
    const { id, header } = newTrace();
    const answer = await fetch(`${stage.peach.url}/start/2`, { method: "POST", headers: { Traceparent: header } });
    const { runs } = z.object({ runs: z.array(accepted) }).parse(await answer.json());
    expect(runs).toHaveLength(2);
    for (const { run_id } of runs) {
      await stage.peach.finished(run_id);
      expect(await traceOf(run_id)).toContain(id);
      expect(stage.recorder.of(run_id, "start")[0]?.traceparent).toContain(id);
    }
  });
});

describe("a run without a trace", () => {
  it("a run without a trace has none on what it fetches, also beside one that has, and an unreadable header is none", async () => {
    const { id, header } = newTrace();
    const runs = await Promise.all([
      triggerTraced("counted", header),
      stage.peach.trigger("counted").then(({ run_id }) => run_id),
      triggerTraced("counted", "garbage"),
    ]);
    await Promise.all(runs.map((runId) => stage.peach.finished(runId)));
    await vi.waitFor(
      () => expect(runs.map((runId) => stage.recorder.of(runId, "start").length)).toEqual([1, 1, 1]),
      10_000,
    );
    const seen = runs.map((runId) => stage.recorder.of(runId, "start")[0]?.traceparent ?? null);
    expect(seen).toEqual([expect.stringContaining(id), null, null]);
    expect(await Promise.all(runs.map(traceOf))).toEqual([header, null, null]);
  });
});

import { env } from "../support/env.ts";
import { describe, expect, it } from "vitest";
import { callRun } from "../../src/objects/run/run-client.ts";
import { parseRunId } from "../../src/domain/ids.ts";
import { edge } from "../support/edge.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo", { on: { events: ["happened"] } })]);
const GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async function traceOf(runId: string | undefined): Promise<string | undefined> {
  const id = parseRunId(runId ?? "");
  if (id === null) throw new Error("no run was started");
  return (await callRun(env, id, (run) => run.describe()))?.trigger.traceparent;
}

async function triggered(share: string | undefined, headers: Record<string, string> = {}): Promise<string | undefined> {
  const send = edge(PLAN, { env: share === undefined ? {} : { PEACH_TRACE_SAMPLE: share } });
  const answer = await send("/api/v1/tasks/echo/trigger", { method: "POST", headers });
  return traceOf((await answer.json<{ run_id: string }>()).run_id);
}

describe("a trigger that brings no trace", () => {
  it("a trigger that brings no trace begins one only if PEACH_TRACE_SAMPLE asks for it", async () => {
    expect(await triggered(undefined)).toBeUndefined();
    expect(await triggered("0")).toBeUndefined();
    expect(await triggered("often")).toBeUndefined();
    const [one, other] = [await triggered("1"), await triggered("1")];
    expect(one).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(one).not.toBe(other);
  });

  it("a trigger that brings a trace keeps its own", async () => {
    expect(await triggered("1", { Traceparent: GIVEN })).toBe(GIVEN);
  });
});

describe("an event", () => {
  it("an event hands its trace to the runs of its listeners", async () => {
    const answer = await edge(PLAN)("/api/v1/events/happened", { method: "POST", headers: { Traceparent: GIVEN } });
    const { runs } = await answer.json<{ runs: { run_id: string }[] }>();
    expect(await traceOf(runs[0]?.run_id)).toBe(GIVEN);
  });
});

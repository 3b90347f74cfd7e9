import { env } from "../support/env.ts";
import { expect, it } from "vitest";
import { callRun } from "../../src/objects/run/run-client.ts";
import { answered } from "../../src/triggers/trigger-payload.ts";
import { acceptance } from "../support/hand-driven.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("root")]);

it("a run that is too large to be recorded is refused as that, and is not there", async () => {
  const request = acceptance(PLAN, "root");
  const origin = { ...request.origin, by: "x".repeat(16_000_001) };
  const answer = answered(
    request.runId,
    callRun(env, request.runId, (run) => run.accept({ ...request, origin })),
  );
  expect(await answer).toMatchObject({ ok: false, problem: { code: "payload_too_large" } });
  expect(await callRun(env, request.runId, (run) => run.describe())).toBeNull();
});

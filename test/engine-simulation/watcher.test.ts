import { expect, it } from "vitest";
import { FAULTS } from "../../src/testing/ground/faults.ts";
import { Ground } from "../../src/testing/ground/ground.ts";
import { planOf, taskPlan } from "../support/plan.ts";
import { bundleWorker } from "../../src/testing/platform/bundle.ts";
import { workerCode } from "../../src/testing/platform/worker-code.ts";
import { releaseOf, Rig } from "../../src/testing/platform/rig.ts";
import { Watcher } from "./watcher.ts";

/** Its root fails as soon as the run is accepted: what it is to run once an item of is no array. */
const FAILS_AT_ONCE = planOf([taskPlan("a", { each: { maxParallel: 1, onError: "fail" } })], {
  retentionMs: 3_600_000,
});

it("the watcher sees each retry of a run that fails again at once, also where the clock shows the same end each time", async () => {
  const code = workerCode(await bundleWorker());
  const ground = new Ground(1, { without: new Set(FAULTS), faults: 0, triggers: 1, tasks: 1 }, false);
  const rig: Rig = new Rig({
    ground,
    seed: 1,
    first: releaseOf("release", code, FAILS_AT_ONCE, () => ({ a: () => null })),
    committed: (host, performed) => watcher.committed(host, performed),
  });
  const watching = { recorded: () => {}, changed: () => {}, forgotten: () => {}, heard: () => {} };
  const watcher = new Watcher(ground, watching, () => rig.payloads);
  const live = (): Promise<number> =>
    rig.platform.run(10_000, () => (watcher.hasNews ? watcher.look().then(() => true) : true));
  const accepted = rig.request("client", ({ worker, dependencies, env, ctx }) => {
    const payload = worker.encodePayload({ n: 1 });
    if (!payload.ok) throw new Error(payload.problem.detail);
    const origin = { source: "api", by: "test", parent: null } as const;
    return dependencies.acceptTrigger(env, ctx, { task: "a", payload: payload.value, idempotencyKey: null, origin });
  });
  ground.scheduler.after(60_000, () => ground.stepClock(-300_000));
  for (const atMs of [120_000, 120_000])
    ground.scheduler.after(atMs, () => {
      void rig.request("operator", async ({ worker, env }) => {
        const answer = await accepted;
        if (!answer.ok) throw new Error(answer.problem.detail);
        return worker.callRun(env, answer.value.runId, (run) => run.retry());
      });
    });
  await live();
  expect(watcher.all()).toMatchObject([{ failures: 3, retries: 2, gone: true }]);
  rig.close();
});

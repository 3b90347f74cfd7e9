import { expect, it } from "vitest";
import { NotDeployed } from "../../scripts/chaos/client.ts";
import { Load, type Item } from "../../scripts/chaos/load.ts";

/** Of a task that the version which is up does not have, or has. */
const item = (name: string, kind: string): Item => ({
  name,
  kind,
  key: null,
  twice: false,
  bytes: 10,
  cancelAfterMs: 0,
  user: "user-0",
});

/** A runtime that has one version of peach.conf after the other. */
class World {
  readyAt = 1;
  /** Tasks of the version that is up. */
  tasks = ["chain"];
  readonly tracked: string[] = [];
  /** What the upload of an object is to trigger. */
  willTrigger: { run_id: string }[] = [{ run_id: "run_upload" }];

  load(): Load {
    return new Load({
      fixture: { untilUp: async () => {}, readyAt: () => this.readyAt },
      client: {
        trigger: async (task) => {
          if (!this.tasks.includes(task)) throw new NotDeployed(task);
          return { run_id: `run_${task}`, deduplicated: false };
        },
        putUpload: async () => ({
          event: { object: { key: "k", eTag: "e" }, eventTime: "" },
          will_trigger: this.willTrigger,
        }),
        cancel: async () => false,
      },
      follower: { open: 0, track: (runId) => void this.tracked.push(runId), cancelled: () => {} },
      signal: new AbortController().signal,
    });
  }
}

it("the load waits with a trigger of a task that only another version has, and says so, until that is deployed", async () => {
  const world = new World();
  const load = world.load();
  const sent = load.send([item("a", "chain"), item("b", "novel")]);
  await expect.poll(() => load.isWaitingForDeploy, { timeout: 10_000 }).toBe(true);
  world.readyAt = 2;
  // Whether the next version has it is not known at once.
  expect(load.isWaitingForDeploy).toBe(false);
  await expect.poll(() => load.isWaitingForDeploy, { timeout: 10_000 }).toBe(true);
  world.tasks = ["chain", "novel"];
  world.readyAt = 3;
  await sent;
  expect(load.isWaitingForDeploy).toBe(false);
  expect(load.accepted).toBe(2);
  expect(load.unanswered).toBe(0);
  expect(world.tracked.toSorted()).toEqual(["run_chain", "run_novel"]);
});

it("the load is told off by an upload that is to trigger nothing", async () => {
  const world = new World();
  world.willTrigger = [];
  const load = world.load();
  await load.send([item("a", "upload")]);
  expect(load.accepted).toBe(0);
  expect(load.refusals).toEqual(["the upload of chaos/a is to trigger nothing"]);
});

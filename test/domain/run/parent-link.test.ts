/** A child run and its parent, over storage in memory: when the parent is told, how often, and what that costs. */
import { beforeEach, describe, expect, it } from "vitest";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import type { ChildRun } from "../../../src/domain/run/state.ts";
import type { TriggerOrigin } from "../../../src/domain/trigger.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import { DrivenRun } from "../../support/driven-run.ts";
import { succeeded } from "../../support/settlements.ts";
import { graphOf, RUN_ID } from "../../support/run-play.ts";

const PARENT = runIdFromBytes(new Uint8Array(16).fill(1));
const DAY_MS = 86_400_000;
const RETENTION_MS = 30 * DAY_MS;
const CHILD = { source: "task", by: "a", parent: { runId: PARENT, task: "a", isChild: true } } as const;

class Told {
  readonly run = new DrivenRun();
  readonly told: ChildRun[] = [];
  isReachable = true;

  constructor() {
    this.run.tellParent = async (parent, child) => {
      expect(parent).toBe(PARENT);
      this.told.push(child);
      if (!this.isReachable) throw new Error("the parent is overloaded");
    };
  }

  accept(origin: TriggerOrigin = CHILD): Lease | undefined {
    return this.run.accept({ graph: graphOf("a", {}, { retentionMs: RETENTION_MS }), origin }).leases[0];
  }

  /** The attempt of this lease ends the run; resolves once it is listed. */
  async end(lease: Lease | undefined): Promise<number> {
    this.run.settle(succeeded(lease, null));
    await settled();
    return this.run.now + RETENTION_MS;
  }
}

/** Whatever goes on by itself has come to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

let child: Told;

beforeEach(() => {
  child = new Told();
});

describe("a child run", () => {
  it("a child run that ends soon tells its parent once, and needs no row and no alarm of its own for that", async () => {
    const other = new Told();
    await other.end(other.accept({ ...CHILD, parent: null }));
    const retentionAt = await child.end(child.accept());
    expect(child.told).toEqual([{ runId: RUN_ID, task: "a" }]);
    expect(child.run.alarmAt).toBe(retentionAt);
    expect(child.run.journal()).toHaveLength(other.run.journal().length);
    expect(other.told).toEqual([]);
    child.run.evict();
    child.run.controller.load();
    await settled();
    expect([child.told.length, child.run.alarmAt]).toEqual([1, retentionAt]);
  });

  it("a child run that goes on tells its parent with its first alarm, and no later life does again", async () => {
    const lease = child.accept();
    const rows = child.run.journal().length;
    await child.run.wakeWhenDue();
    expect(child.told).toHaveLength(1);
    expect(child.run.journal()).toHaveLength(rows + 1);
    child.run.evict();
    await child.run.wakeWhenDue();
    child.run.evict();
    await child.end(lease);
    expect(child.told).toHaveLength(1);
  });

  it("a child run that waits for a delay tells its parent half a minute after its accept", async () => {
    const acceptedAt = child.run.now;
    child.run.controller.accept({
      runId: RUN_ID,
      nonce: "n",
      graph: graphOf("a"),
      origin: CHILD,
      payload: { kind: "json", size: 0, contentType: "application/json", at: "inline", bytes: new Uint8Array() },
      delayMs: 7 * DAY_MS,
    });
    await child.run.wakeWhenDue();
    expect([child.told.length, child.run.now]).toEqual([1, acceptedAt + 30_000]);
    await child.run.wakeWhenDue();
    expect([child.told.length, child.run.alarmAt]).toEqual([1, acceptedAt + 7 * DAY_MS]);
  });

  it("a child run whose parent awaits it has nothing to tell", async () => {
    const lease = child.accept();
    child.run.controller.watch(PARENT);
    await child.run.wakeWhenDue();
    await child.end(lease);
    expect(child.told).toEqual([]);
  });

  it("a child run does not go to the end of its retention before its parent has answered", async () => {
    child.isReachable = false;
    const acceptedAt = child.run.now;
    const retentionAt = await child.end(child.accept());
    for (const tries of [2, 3, 4]) {
      expect(child.run.alarmAt).toBeLessThan(retentionAt);
      child.run.evict();
      await child.run.wakeWhenDue();
      expect(child.told).toHaveLength(tries);
    }
    expect(child.run.now).toBe(acceptedAt + 120_000);
    child.isReachable = true;
    await child.run.wakeWhenDue();
    expect([child.told.length, child.run.alarmAt]).toEqual([5, retentionAt]);
    expect(child.run.isParentLeftAlone).toBe(false);
  });

  it.each(["final", "under way"])(
    "a child run that is %s leaves its parent alone after a day in vain, and says so",
    async (how) => {
      child.isReachable = false;
      const lease = child.accept();
      const retentionAt = how === "final" ? await child.end(lease) : Number.POSITIVE_INFINITY;
      const acceptedAt = child.run.now;
      while (!child.run.isParentLeftAlone) {
        expect(child.run.now).toBeLessThan(acceptedAt + 2 * DAY_MS);
        await child.run.wakeWhenDue();
      }
      const tries = child.told.length;
      expect(child.run.now).toBeGreaterThanOrEqual(acceptedAt + DAY_MS);
      if (how === "final") expect(child.run.alarmAt).toBe(retentionAt);
      child.run.evict();
      child.run.controller.load();
      await settled();
      if (how !== "final") await child.run.wakeWhenDue();
      expect(child.told).toHaveLength(tries);
    },
  );

  it("a child run of an alert, or of an object that a task has written, is no child", async () => {
    const lease = child.accept({ ...CHILD, parent: { runId: PARENT, task: "a" } });
    await child.run.wakeWhenDue();
    await child.end(lease);
    expect(child.told).toEqual([]);
  });
});

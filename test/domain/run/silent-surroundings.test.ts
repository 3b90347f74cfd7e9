/** A run whose surroundings do not answer: the catalog, R2, its parent. Time, and every answer, is the test's. */
import { expect, it } from "vitest";
import { RunController } from "../../../src/objects/run/run-controller.ts";
import { Journal } from "../../../src/objects/run/journal.ts";
import type { AcceptRequest } from "../../../src/objects/run/accept-rpc.ts";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import type { Settlement } from "../../../src/objects/run/settlement-rpc.ts";
import { NO_TROUBLE } from "../../support/driven-run.ts";
import { graphOf, RUN_ID } from "../../support/run-play.ts";
import { MemoryStorage } from "../../support/journal-storage.ts";

/** So short that the catalog is told once more before the run is deleted. */
const RETENTION_MS = 300_000;
const BYTES = new TextEncoder().encode("null");
const NULL = { kind: "json", size: 4, contentType: "application/json", at: "inline", bytes: BYTES } as const;
const CLAIM = { holding: 0, budgetMs: 28_000 };

/** One run object without a platform. What it asks of others is answered when the test says so. */
class Host {
  now = 1_800_000_000_000;
  alarmAt: number | null = null;
  readonly deleted: string[] = [];
  readonly failures: unknown[] = [];
  /** What is asked elsewhere, and not answered yet. */
  readonly asked: { readonly what: string; answer(value: boolean): void; fail(): void }[] = [];
  #timers: { readonly at: number; readonly work: () => void }[] = [];
  readonly controller = new RunController(new Journal(new MemoryStorage(async () => {})), {
    now: () => this.now,
    setAlarm: (at) => void (this.alarmAt = at),
    getAlarm: async () => this.alarmAt,
    queueProgress: () => null,
    askQueue: async () => null,
    messageReceived: () => {},
    hasSubscribers: () => false,
    changed: () => {},
    attemptUpdated: () => {},
    perform: () => {},
    deletePayloads: async (runId) => void ((await this.#ask("payloads")) && this.deleted.push(runId)),
    deleteAbandoned: async () => {
      await this.#ask("abandoned");
      return false;
    },
    parentStates: async (parents) => {
      if (parents.length === 0) return [];
      return [{ type: (await this.#ask("parent")) ? "open" : "gone" }];
    },
    tellParent: async () => void (await this.#ask("parent's children")),
    parentNotTold: () => {},
    reportToCatalog: () => this.#ask("catalog"),
    after: (milliseconds, work) => {
      const timer = { at: this.now + milliseconds, work };
      this.#timers.push(timer);
      return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
    },
    notShortened: (error) => {
      throw error;
    },
    reportFailed: () => {},
    waitUntil: (work) => void work.catch((error: unknown) => this.failures.push(error)),
    alarmFailed: (_, error) => void this.failures.push(error),
    trouble: NO_TROUBLE,
  });

  #ask(what: string): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.asked.push({ what, answer: resolve, fail: () => reject(new Error(`no ${what}`)) });
    return promise;
  }

  /** The run, and its first lease. */
  accept(parent: boolean): Lease {
    const request: AcceptRequest = {
      runId: RUN_ID,
      nonce: crypto.randomUUID(),
      graph: graphOf("a", { a: { retries: 3 } }, { retentionMs: RETENTION_MS }),
      origin: { source: "task", by: "test", parent: parent ? { runId: RUN_ID, task: "parent" } : null },
      payload: NULL,
      claim: CLAIM,
    };
    const [lease] = this.controller.accept(request).grant.leases;
    if (lease === undefined) throw new Error("no lease");
    return lease;
  }

  settle({ ordinal, attempt, token }: Lease, outcome: Settlement["outcome"]): void {
    const settlement = { ordinal, attempt, token, outcome, children: [], logs: [], logsDropped: 0 };
    this.controller.settle({ settlements: [settlement], claim: null });
  }

  /** Lets time pass, and everything happen that follows from it. */
  async pass(milliseconds: number): Promise<void> {
    this.now += milliseconds;
    const due = this.#timers.filter(({ at }) => at <= this.now);
    this.#timers = this.#timers.filter(({ at }) => at > this.now);
    for (const { work } of due) work();
    await turns();
  }

  /** The alarm fires at its time; after how many milliseconds its handler is over. */
  async alarm(): Promise<number> {
    this.now = Math.max(this.now, this.alarmAt ?? this.now);
    const firing = this.alarmAt;
    this.alarmAt = null;
    let isOver = false;
    void this.controller.alarm(firing).then(() => (isOver = true));
    await turns();
    for (let ms = 0; ; ms += 100) {
      if (isOver) return ms;
      if (ms > 60_000) throw new Error("the handler goes on");
      await this.pass(100);
    }
  }

  async answer(what: string, value: boolean): Promise<void> {
    for (const asked of this.asked.splice(0)) {
      if (asked.what === what) asked.answer(value);
      else this.asked.push(asked);
    }
    await turns();
  }

  get open(): string[] {
    return this.asked.map(({ what }) => what);
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

const PASSED: Settlement["outcome"] = { type: "succeeded", output: NULL, to: null };

it("the alarm of a run is over within a second while the catalog is silent, and its retries go on", async () => {
  const host = new Host();
  const lease = host.accept(false);
  await host.pass(200);
  const error = { name: "Error", message: "not yet", stack: null };
  host.settle(lease, { type: "failed", error, retryable: true, retryAfterMs: 30_000, reason: "error" });
  expect(await host.alarm()).toBe(1_000);
  while (host.controller.load()?.tasks[0]?.state.status === "retrying") expect(await host.alarm()).toBeLessThan(1_100);
  expect(host.controller.load()?.tasks[0]?.state.status).toBe("queued");
  expect(host.open).toContain("catalog");
});

it("a run whose catalog is silent at the end of its retention is looked after, and deleted once it answers", async () => {
  const host = new Host();
  host.settle(host.accept(false), PASSED);
  await host.answer("catalog", false);
  host.now += RETENTION_MS;
  expect(await host.alarm()).toBe(1_000);
  expect(host.alarmAt).toBe(host.now + 60_000);
  expect(host.controller.load()).not.toBeNull();
  // The same is not begun twice, and asked for once.
  expect(await host.alarm()).toBe(1_000);
  expect(host.open).toEqual(["catalog"]);
  await host.answer("catalog", true);
  await host.answer("parent", false);
  expect(host.controller.load()).toBeNull();
  expect(host.failures).toEqual([]);
});

it("a run whose parent is silent is deleted once, also if it was accepted anew meanwhile", async () => {
  const host = new Host();
  host.settle(host.accept(true), PASSED);
  await host.answer("catalog", true);
  await host.answer("catalog", true);
  host.now += RETENTION_MS;
  expect(await host.alarm()).toBe(1_000);
  expect(await host.alarm()).toBe(1_000);
  expect(host.open.filter((what) => what === "parent")).toHaveLength(1);
  await host.answer("parent", false);
  expect(host.controller.load()).toBeNull();
  host.accept(true);
  await host.answer("parent", false);
  await host.pass(5_000);
  expect(host.controller.load()?.status).toBe("running");
});

it("a catalog that never keeps the run is not told without end", async () => {
  const host = new Host();
  host.settle(host.accept(false), PASSED);
  host.now += RETENTION_MS;
  const alarm = host.alarm();
  let told = 0;
  for (let turn = 0; turn < 40; turn += 1) {
    told += host.open.filter((what) => what === "catalog").length;
    await host.answer("catalog", false);
  }
  await alarm;
  expect(told).toBeLessThan(10);
  expect(host.failures).toMatchObject([{ message: expect.stringContaining("does not") }]);
  expect(host.alarmAt).not.toBeNull();
});

it("what was never recorded does not hold the alarm of a run that is recorded while R2 is silent", async () => {
  const host = new Host();
  host.controller.expectPayload("n");
  expect(await host.alarm()).toBe(1_000);
  expect(host.open).toEqual(["abandoned"]);
  host.accept(false);
  await host.answer("abandoned", true);
  expect(host.controller.load()?.status).toBe("running");
  expect(host.alarmAt).not.toBeNull();
});

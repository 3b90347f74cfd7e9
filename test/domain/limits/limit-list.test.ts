import { expect, it } from "vitest";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import type { LimitName } from "../../../src/domain/limits/limit.ts";
import { LimitController } from "../../../src/objects/limits/limit-controller.ts";
import { LimitStore } from "../../../src/objects/limits/store.ts";
import { MemoryStorage } from "../../support/journal-storage.ts";

const NAME: LimitName = { kind: "concurrency", task: "limited", key: '"anna"' };
const NOW = 1_800_000_000_000;

it("a limit with a key is listed no more once its last attempt has gone, also if the list is slow to learn of the first", async () => {
  const slow = Promise.withResolvers<void>();
  const carried: Promise<void>[] = [];
  let isListed: boolean | null = null;
  const controller = new LimitController(new LimitStore(new MemoryStorage(async () => {})), {
    now: () => NOW,
    setAlarm: () => {},
    permitted: async () => ({ type: "holding" }),
    displaced: async () => ({ type: "over", afterMs: 0 }),
    planned: () => null,
    listed: async (_name, isThere) => {
      if (isThere) await slow.promise;
      isListed = isThere;
    },
    waitUntil: (work) => void carried.push(work),
    log: (message, error) => {
      throw new Error(message, { cause: error });
    },
  });
  const holder = { runId: runIdFromBytes(new Uint8Array(16)), ordinal: 0, attempt: 1 };
  const rule = { limit: 1, perMs: null, planAt: 0 };
  expect(controller.ask(NAME, { holder, rule, strategy: "queue", since: NOW, priority: 0 })).toBe("granted");
  controller.giveBack(holder, 0);
  const ending = controller.alarm(NOW);
  slow.resolve();
  await Promise.all([ending, ...carried]);
  expect(isListed).toBe(false);
});

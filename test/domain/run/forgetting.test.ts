import { expect, it } from "vitest";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import { Forgetting } from "../../../src/objects/run/forgetting.ts";
import { RunStore } from "../../../src/objects/run/journal.ts";
import { MemoryStorage } from "../../support/journal-storage.ts";

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;

it("a run that is remembered no longer keeps its alarm for what a late trigger has left in R2, until that is old enough to go", async () => {
  const storage = new MemoryStorage(async () => {});
  const store = new RunStore(storage);
  let [now, leftSince, alarmAt]: [number, number | null, number] = [NOW, NOW, Number.POSITIVE_INFINITY];
  const forgetting = new Forgetting(
    store,
    {
      now: () => now,
      getAlarm: async () => null,
      deletePayloads: async () => {},
      deleteAbandoned: async (before) => {
        if (leftSince !== null && leftSince < before) leftSince = null;
        return leftSince !== null;
      },
      standingsOf: async () => [{ type: "gone" }],
    },
    {
      hasRun: () => false,
      lost: () => {},
      alarm: {
        get at() {
          return alarmAt;
        },
        set: (at) => {
          alarmAt = Math.min(alarmAt, at);
        },
        deleted: () => {},
      },
    },
  );
  const parents = [runIdFromBytes(new Uint8Array(16))];
  store.remember({ status: "succeeded", parents, retentionMs: DAY_MS });
  await forgetting.abandon();
  expect(alarmAt).toBe(NOW + 8 * DAY_MS);
  [now, alarmAt] = [alarmAt, Number.POSITIVE_INFINITY];
  await forgetting.abandon();
  expect(leftSince).toBeNull();
  expect(alarmAt).toBe(Number.POSITIVE_INFINITY);
  expect(new RunStore(storage).remembered).toBeNull();
});

import { expect, it } from "vitest";
import { runIdFromBytes } from "../../../src/domain/ids.ts";
import { RunDeletion } from "../../../src/objects/run/run-deletion.ts";
import { Journal } from "../../../src/objects/run/journal.ts";
import { MemoryStorage } from "../../support/journal-storage.ts";

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;

it("a run that is remembered no longer keeps its alarm for what a late trigger has left in R2, until that is old enough to go", async () => {
  const storage = new MemoryStorage(async () => {});
  const store = new Journal(storage);
  let [now, leftSince, alarmAt]: [number, number | null, number] = [NOW, NOW, Number.POSITIVE_INFINITY];
  const deletion = new RunDeletion(
    store,
    {
      now: () => now,
      getAlarm: async () => null,
      deletePayloads: async () => {},
      deleteAbandoned: async (before) => {
        if (leftSince !== null && leftSince < before) leftSince = null;
        return leftSince !== null;
      },
      parentStates: async () => [{ type: "gone" }],
    },
    {
      hasRun: () => false,
      dropRun: () => {},
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
  store.tombstone.write({ status: "succeeded", parents, retentionMs: DAY_MS });
  await deletion.cleanUp();
  expect(alarmAt).toBe(NOW + 8 * DAY_MS);
  [now, alarmAt] = [alarmAt, Number.POSITIVE_INFINITY];
  await deletion.cleanUp();
  expect(leftSince).toBeNull();
  expect(alarmAt).toBe(Number.POSITIVE_INFINITY);
  expect(new Journal(storage).tombstone.value).toBeNull();
});

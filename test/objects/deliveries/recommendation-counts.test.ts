import { driven } from "../../support/driven-object.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { NamedCounts } from "../../../src/objects/deliveries/recommendation-rpc.ts";
import { env } from "../../support/env.ts";

const START = Date.UTC(2027, 0, 1);
const MINUTE = 60_000;

let name = "";
beforeEach(() => {
  name = `rec-${crypto.randomUUID()}/recommendations`;
  vi.setSystemTime(START);
});
afterEach(() => vi.useRealTimers());

const object = () => env.DELIVERIES.getByName(name);
const served = (count: number): NamedCounts => ({ component: "history", counts: { served: count }, run: null });

async function batchesKept(): Promise<unknown[]> {
  return driven(object()).inside(({ storage }) =>
    storage.sql
      .exec("SELECT id FROM recommendation_batches ORDER BY id")
      .toArray()
      .map(({ id }) => id),
  );
}

describe("the counts of a recommendation endpoint", () => {
  it("the counts of a recommendation endpoint are added once where the answer was lost with the object, and the call is repeated", async () => {
    await object().addCounts("first", [served(3)]);
    await driven(object()).evict();
    await object().addCounts("first", [served(3)]);
    await object().addCounts("second", [served(4)]);
    expect(await object().readCounts(null)).toEqual([served(7)]);
    expect(await object().readCounts(START)).toEqual([served(7)]);
  });

  it("the counts of a recommendation endpoint keep the id of a batch for a minute only", async () => {
    await object().addCounts("first", [served(1)]);
    vi.setSystemTime(START + MINUTE + 1);
    await object().addCounts("second", [served(1)]);
    expect(await batchesKept()).toEqual(["second"]);
    expect(await object().readCounts(null)).toEqual([served(2)]);
  });
});

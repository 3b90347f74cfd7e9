import { describe, expect, it } from "vitest";
import { env } from "../../support/env.ts";
import { vectors, type VectorItem } from "../../../src/stores/stores.ts";
import { callEndpoint } from "../../support/deployed.ts";


/** Runs `work` as an endpoint, and returns what it returns or throws. */
async function inEndpoint(work: () => Promise<unknown>): Promise<unknown> {
  let result: unknown = null;
  const noted = async (): Promise<undefined> => {
    result = await work().catch((error: unknown) => error);
  };
  await callEndpoint(noted, new Request("https://peach.example/hook"), {
    name: "hook",
    params: {},
    requestId: "req_1",
    source: "endpoint",
    delivery: null,
    triggered: () => undefined,
    env,
    lifetime: { waitUntil: () => undefined },
  });
  return result;
}

describe("a replacement of an index of vectors", () => {
  it("is whole also where its first call arrives once more after its last", async () => {
    const shape = { metric: "dot", dimensions: 1 } as const;
    const object = env.PEACH_VECTORS.getByName("late-call");
    const batch = (from: number, size: number) => ({
      ids: Array.from({ length: size }, (_, number) => `item-${from + number}`),
      vectors: new Uint8Array(Float32Array.from({ length: size }, (_, number) => from + number).buffer),
      metadata: Array.from({ length: size }, () => null),
    });
    const first = () => object.addToReplacement(shape, "r", 0, batch(0, 64));
    await first();
    await object.addToReplacement(shape, "r", 64, batch(64, 6));
    await object.putInPlace("r");
    await first();
    expect(await object.putInPlace("r")).toMatchObject({ ok: true });
    const query = { vector: new Uint8Array(Float32Array.of(1).buffer), limit: 1_000, filter: null };
    const found = await object.query(shape, query);
    expect(found.ok && found.value.length).toBe(70);
  });
});

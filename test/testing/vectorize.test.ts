import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testPipeline, type TestPipeline } from "peach/testing";
import { blocksIn, page } from "../support/documents.ts";
import { VectorizeStandIn } from "../support/vectorize.ts";

const GUIDE = page("docs/guides/stores.md");
const CODE = blocksIn(GUIDE, "ts").find((block) => block.includes("Vectorize")) ?? "";
const CONF = blocksIn(GUIDE, "yaml").find((block) => block.includes("similar_items")) ?? "";

/** The guide's program. */
let pipelines: Record<string, (...given: never) => unknown>;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(import.meta.dirname, "vectorize-"));
  const file = join(folder, "similar.ts");
  writeFileSync(file, CODE);
  pipelines = await import(pathToFileURL(file).href);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Unit vectors in a plane, by their angle in degrees. */
const at = (degrees: number): number[] => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
const ITEMS = [0, 10, 25, 90].map((degrees) => ({ id: `at-${degrees}`, title: `${degrees}°`, vector: at(degrees) }));

async function deploy(): Promise<{ peach: TestPipeline; index: VectorizeStandIn }> {
  const index = new VectorizeStandIn(2);
  const peach = await testPipeline({ conf: CONF, pipelines, env: { SIMILAR: index } });
  return { peach, index };
}

const ask = (peach: TestPipeline, query: string): Promise<Response> => peach.request(`/similar?${query}`);

describe("the guide's component over Vectorize, against a stand-in with the published contract", () => {
  it("the guide's component over Vectorize, against a stand-in with the published contract finds the nearest of the items that a task has stored, with their metadata, and without the item itself", async () => {
    const { peach, index } = await deploy();
    const run = await peach.trigger("store_vectors", ITEMS);
    expect(run.status).toBe("succeeded");
    index.settle();
    const answer = await ask(peach, "item=at-0&limit=2");
    expect(answer.headers.get("peach-fallback")).toBeNull();
    expect(await answer.json()).toEqual([
      { id: "at-10", title: "10°", score: expect.closeTo(0.985, 3) },
      { id: "at-25", title: "25°", score: expect.closeTo(0.906, 3) },
    ]);
  });

  it("the guide's component over Vectorize, against a stand-in with the published contract stores more items than one call takes, and answers the most that a query gives", async () => {
    const { peach, index } = await deploy();
    const many = Array.from({ length: 2_500 }, (_, nth) => ({ id: `i-${nth}`, title: "", vector: at(nth / 100) }));
    expect((await peach.trigger("store_vectors", many)).status).toBe("succeeded");
    index.settle();
    expect(await (await ask(peach, "item=i-2499&limit=19")).json()).toHaveLength(19);
  });

  it("the guide's component over Vectorize, against a stand-in with the published contract gives way to the fallback for an item that is not stored, or not visible yet", async () => {
    const { peach, index } = await deploy();
    await peach.trigger("store_vectors", ITEMS);
    const early = await ask(peach, "item=at-0");
    expect([early.status, early.headers.get("peach-fallback")]).toEqual([200, "true"]);
    index.settle();
    expect((await ask(peach, "item=nothing")).headers.get("peach-fallback")).toBe("true");
    expect((await ask(peach, "item=at-0")).headers.get("peach-fallback")).toBeNull();
  });

  it("the guide's component over Vectorize, against a stand-in with the published contract finds no item that a task has deleted", async () => {
    const { peach, index } = await deploy();
    await peach.trigger("store_vectors", ITEMS);
    await peach.trigger("delete_vectors", ["at-10"]);
    index.settle();
    expect(await (await ask(peach, "item=at-0&limit=1")).json()).toMatchObject([{ id: "at-25" }]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bundleModule } from "../../src/local/bundle.ts";

const ROOT = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(ROOT, ".peach", "stores-bundle-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Bundles an entry with this text, as a deployment would. */
async function bundled(text: string): Promise<string> {
  const entry = join(folder, "entry.ts");
  writeFileSync(entry, text);
  const paths = { bundlePath: join(folder, "worker.js"), sourceMapPath: join(folder, "worker.js.map") };
  const conditions = ["peach-source", "workerd", "worker", "browser"];
  return (await bundleModule(entry, paths, { conditions })).text;
}

/** A piece of the code of each part, which a bundle with that part has. */
const PIECES = {
  ioredis: "ioredis/built/Redis.js",
  "the client of InfluxDB": "influxdb-client",
  "the API of InfluxDB": "/api/v3/query_sql",
  "the API of Milvus": "/v2/vectordb/entities/",
  "the client of vectors": "addToReplacement",
} as const;

function partsOf(text: string): string[] {
  return Object.entries(PIECES).flatMap(([name, piece]) => (text.includes(piece) ? [name] : []));
}

const uses = (name: string): string =>
  `import { ${name} } from "${join(ROOT, "src/stores/stores.ts")}"; export default ${name};`;

describe("a bundle", () => {
  it.each([
    ["redis", ["ioredis"]],
    ["influx", ["the client of InfluxDB", "the API of InfluxDB"]],
    ["milvus", ["the API of Milvus"]],
    ["vectors", ["the client of vectors"]],
    ["line", []],
  ])("a bundle has only the parts of peach/stores that a pipeline uses: %s", async (name, parts) => {
    expect(partsOf(await bundled(uses(name)))).toEqual(parts);
  });

  it("a bundle of a worker that uses no store has no client of one", async () => {
    const worker = await bundled(
      `export * from "${join(ROOT, "src/worker/own-env.ts")}"; export * from "${join(ROOT, "src/task-helpers.ts")}"; export * from "${join(ROOT, "src/execution/attempt/run-attempt.ts")}";`,
    );
    expect(partsOf(worker)).toEqual([]);
    expect(worker).toContain("executeAttempt");
  });
});
